-- One vendor, to be compared with a commitment's contract company and linked to.
-- Seeks: actpay.recnum.
SELECT recnum, "_idnum", vndnme
FROM dbo.actpay
WHERE recnum = ?
