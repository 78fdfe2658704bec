-- What every change order adds to subcontracts, for reconciliation: streamed, never held. Pure budget changes have
-- no subcontract.
-- Seeks: nothing; walks sbcgln in the order of recnum.
SELECT recnum, vndctc, chgnum, bdgprc
FROM dbo.sbcgln
WHERE vndctc IS NOT NULL
ORDER BY recnum
