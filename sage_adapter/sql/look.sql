-- What steps 2 to 5 of a look count, for one record or a page of them, with their controls: in one statement,
-- because a table that is loaded anew between two of them would show the record absent and its controls there.
-- Kinds of rows: 1 a change order with one of the record numbers or of the row ids asked for; 2 a job, likewise;
-- 3 a line of a record asked for, by its record number or by the row id of its header, which may be gone; 4 a
-- subcontract; 5 the change order with the lowest record number; 6 how many change orders a job has that is not
-- in progress. Kind 7 must come back and counts kinds 1 to 3, so that an absence is a zero that the server sent.
-- A row id is looked for in the whole table only where the record number did not lead to it: where its index is
-- missing, what is there costs a seek all the same. A record that the link was moved from is asked for by its row
-- id, where there is one. The first part of the answer fills the columns of the others
-- with something of their type, which PostgreSQL needs to know.
-- Seeks: prmchg.recnum, prmchg._idnum, prmchg.jobnum, actrec.recnum, actrec._idnum, sbcgln.recnum,
-- sbcgln._idref (where the column is there), subcon.recnum.
WITH found (n) AS (
    SELECT COUNT(DISTINCT "_idnum") FROM dbo.prmchg WHERE recnum IN ({asked}) AND "_idnum" IN ({asked})
),
found_jobs (n) AS (
    SELECT COUNT(DISTINCT "_idnum") FROM dbo.actrec WHERE recnum IN ({asked}) AND "_idnum" IN ({asked})
),
headers (recnum, row_id, number, job, phase, status, inserted) AS (
    SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status, insdte
    FROM dbo.prmchg
    WHERE recnum IN ({records})
    UNION ALL
    SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status, insdte
    FROM dbo.prmchg
    WHERE "_idnum" IN ({asked}) AND EXISTS (SELECT 1 FROM found WHERE n < ?)
    {left?UNION ALL
    SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status, insdte
    FROM dbo.prmchg
    WHERE "_idnum" IN ({left})|}
),
jobs (recnum, row_id, status) AS (
    SELECT recnum, "_idnum", status
    FROM dbo.actrec
    WHERE recnum IN ({jobs})
    UNION ALL
    SELECT recnum, "_idnum", status
    FROM dbo.actrec
    WHERE "_idnum" IN ({asked}) AND EXISTS (SELECT 1 FROM found_jobs WHERE n < ?)
),
lines (recnum, line, subcontract, header_row_id, inserted) AS (
    SELECT recnum, linnum, vndctc, {idref?"_idref"|NULL}, insdte
    FROM dbo.sbcgln
    WHERE recnum IN ({asked})
    {idref?UNION ALL
    SELECT recnum, linnum, vndctc, "_idref", insdte
    FROM dbo.sbcgln
    WHERE "_idref" IN ({asked}) AND EXISTS (SELECT 1 FROM found WHERE n < ?)|}
)
SELECT
    1 AS kind, recnum, row_id, number, job, phase, status, inserted, job AS subcontract, row_id AS header_row_id,
    status AS line
FROM headers
UNION ALL
SELECT 2, recnum, row_id, NULL, NULL, NULL, status, NULL, NULL, NULL, NULL
FROM jobs
UNION ALL
SELECT 3, recnum, NULL, NULL, NULL, NULL, NULL, inserted, subcontract, {idref?header_row_id|NULL}, line
FROM lines
UNION ALL
SELECT 4, recnum, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM dbo.subcon
WHERE recnum IN ({asked})
UNION ALL
SELECT 5, recnum, "_idnum", NULL, NULL, NULL, NULL, insdte, NULL, NULL, NULL
FROM dbo.prmchg
WHERE recnum = (SELECT MIN(recnum) FROM dbo.prmchg)
UNION ALL
SELECT 6, COUNT(*), NULL, NULL, h.jobnum, NULL, NULL, NULL, NULL, NULL, NULL
FROM dbo.prmchg AS h
JOIN dbo.actrec AS j ON j.recnum = h.jobnum
WHERE j.recnum IN ({asked}) AND (j.status IS NULL OR j.status NOT IN (1, 3, 4, 5))
GROUP BY h.jobnum
UNION ALL
SELECT
    7, (SELECT COUNT(*) FROM headers), NULL, NULL, (SELECT COUNT(*) FROM jobs), (SELECT COUNT(*) FROM lines),
    NULL, NULL, NULL, NULL, NULL
