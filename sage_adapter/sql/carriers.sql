-- Who carries the number now? Every change order of the job (any phase); every line on the subcontract with the
-- header it belongs to, if it still has one; and what changes have added to each line of the subcontract, whose
-- sum is shown and decides nothing. Numbers are compared in Python: servers disagree on case, trailing blanks
-- and digits.
-- Seeks: prmchg.jobnum; sbcgln.vndctc and from there prmchg.recnum; sbcnln.recnum.
SELECT
    0 AS kind, h.jobnum AS asked, h.recnum AS recnum, h."_idnum" AS row_id, h.chgnum AS chgnum, h.phsnum AS phsnum,
    h.insdte AS insdte, NULL AS sub_number, NULL AS amount
FROM dbo.prmchg AS h
WHERE h.jobnum = ?
UNION ALL
SELECT 1, l.vndctc, l.recnum, h."_idnum", h.chgnum, h.phsnum, h.insdte, l.chgnum, l.bdgprc
FROM dbo.sbcgln AS l
LEFT JOIN dbo.prmchg AS h ON h.recnum = l.recnum
WHERE l.vndctc = ?
UNION ALL
SELECT 2, c.recnum, c.recnum, NULL, NULL, NULL, NULL, NULL, c."change"
FROM dbo.sbcnln AS c
WHERE c.recnum = ?
