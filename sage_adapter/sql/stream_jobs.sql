-- The keys of all jobs, for reconciliation.
-- Seeks: nothing; walks actrec in the order of recnum.
SELECT recnum, "_idnum"
FROM dbo.actrec
ORDER BY recnum
