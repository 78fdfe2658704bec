-- What the change orders of a range of record numbers add to subcontracts, for reconciliation; without joining the
-- header, so that lines left behind are here too. Pure budget changes have no subcontract.
-- Seeks: sbcgln.recnum, from beyond one up to and including another.
SELECT recnum, vndctc, chgnum, bdgprc
FROM dbo.sbcgln
WHERE recnum > ? AND recnum <= ? AND vndctc IS NOT NULL
ORDER BY recnum
