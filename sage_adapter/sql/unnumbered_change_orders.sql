-- Change orders without a record number, which no range of record numbers holds: named by reconciliation as odd.
-- Seeks: prmchg.recnum, of which Sage's key allows none to be NULL.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status
FROM dbo.prmchg
WHERE recnum IS NULL
