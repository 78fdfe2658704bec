-- The lines of one subcontract with their original amounts.
-- Seeks: sbcnln.recnum, which is the subcontract's record number.
SELECT linnum, dscrpt, cstcde, csttyp, amount, "_idnum"
FROM dbo.sbcnln
WHERE recnum = ?
