-- One job, to be shown and linked to.
-- Seeks: actrec.recnum.
SELECT recnum, "_idnum", jobnme, status
FROM dbo.actrec
WHERE recnum = ?
