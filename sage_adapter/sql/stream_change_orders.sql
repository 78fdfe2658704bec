-- The keys of all change orders, for reconciliation: streamed, never held.
-- Seeks: nothing; walks prmchg in the order of recnum.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status
FROM dbo.prmchg
ORDER BY recnum
