-- The keys of the change orders of a range of record numbers, for reconciliation.
-- Seeks: prmchg.recnum, from beyond one up to and including another.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status
FROM dbo.prmchg
WHERE recnum > ? AND recnum <= ?
ORDER BY recnum
