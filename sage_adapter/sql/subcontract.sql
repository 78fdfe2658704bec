-- One subcontract, to be shown and linked to.
-- Seeks: subcon.recnum.
SELECT recnum, "_idnum", ctcnum, jobnum, phsnum, vndnum, dscrpt, status
FROM dbo.subcon
WHERE recnum = ?
