-- The lines of one change order: what it does to subcontracts and to the budget.
-- Seeks: sbcgln.recnum, which is the change order's record number.
SELECT linnum, dscrpt, vndnum, vndctc, ctclin, chgnum, chgsts, cstcde, csttyp, bdgprc
FROM dbo.sbcgln
WHERE recnum = ?
