-- One change order by its record number, to be shown, compared and linked to. Its row id comes from here.
-- Seeks: prmchg.recnum.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, dscrpt, status, chgdte, chgscp
FROM dbo.prmchg
WHERE recnum = ?
