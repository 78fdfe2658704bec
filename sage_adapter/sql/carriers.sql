-- Who carries the number now? Every change order of the job (any phase), and every line on the subcontract
-- with the header it belongs to, if it still has one. Numbers are compared in Python: servers disagree on
-- case, trailing blanks and digits.
-- Seeks: prmchg.jobnum; sbcgln.vndctc and from there prmchg.recnum.
SELECT
    0 AS by_line, h.recnum AS recnum, h."_idnum" AS row_id, h.chgnum AS chgnum, h.phsnum AS phsnum,
    h.insdte AS insdte, NULL AS sub_number, NULL AS amount
FROM dbo.prmchg AS h
WHERE h.jobnum = ?
UNION ALL
SELECT 1, l.recnum, h."_idnum", h.chgnum, h.phsnum, h.insdte, l.chgnum, l.bdgprc
FROM dbo.sbcgln AS l
LEFT JOIN dbo.prmchg AS h ON h.recnum = l.recnum
WHERE l.vndctc = ?
