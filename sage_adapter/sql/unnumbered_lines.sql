-- Lines without a record number, which no range of record numbers holds: named by reconciliation as odd.
-- Seeks: sbcgln.recnum, of which Sage's key allows none to be NULL.
SELECT recnum, vndctc, chgnum, bdgprc
FROM dbo.sbcgln
WHERE recnum IS NULL
