-- What changes have added to each line of the subcontract; their sum is shown beside the verdict and decides
-- nothing.
-- Seeks: sbcnln.recnum, which is the subcontract's record number.
SELECT "change"
FROM dbo.sbcnln
WHERE recnum = ?
