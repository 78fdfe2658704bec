-- What may stand in the place of a record now? Every change order of the job (any phase); every line on the
-- subcontract with the header it belongs to, if it still has one; and each line of the subcontract with what it
-- was signed for, what changes added and what is billed, whose sums are shown and decide nothing. Numbers are
-- compared in Python: servers disagree on case, trailing blanks and digits. The first part fills the columns of the
-- others with something of their type, which PostgreSQL needs to know.
-- Seeks: prmchg.jobnum; sbcgln.vndctc and from there prmchg.recnum; sbcnln.recnum.
SELECT
    0 AS kind, h.jobnum AS asked, h.recnum AS recnum, h."_idnum" AS row_id, h.chgnum AS chgnum, h.jobnum AS job,
    h.phsnum AS phsnum, h.insdte AS insdte, h.chgnum AS sub_number, h.jobnum AS amount,
    h.jobnum AS "change", h.jobnum AS billed
FROM dbo.prmchg AS h
WHERE h.jobnum IN ({jobs})
UNION ALL
SELECT 1, l.vndctc, l.recnum, h."_idnum", h.chgnum, h.jobnum, h.phsnum, l.insdte, l.chgnum, l.bdgprc, NULL, NULL
FROM dbo.sbcgln AS l
LEFT JOIN dbo.prmchg AS h ON h.recnum = l.recnum
WHERE l.vndctc IN ({subcontracts})
UNION ALL
SELECT 2, c.recnum, c.recnum, NULL, NULL, NULL, NULL, NULL, NULL, c.amount, c."change", c.billed
FROM dbo.sbcnln AS c
WHERE c.recnum IN ({subcontracts})
