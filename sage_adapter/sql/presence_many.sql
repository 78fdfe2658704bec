-- presence.sql for ten records: one row for each that is asked about, told apart by its place, so that "not
-- there" (a zero) and "not read" (no row) differ. What is too few is padded with the last.
-- Seeks: actrec.recnum, actrec._idnum, prmchg._idnum, sbcgln.recnum + vndctc, subcon.recnum.
WITH company AS (SELECT COUNT(*) AS jobs FROM dbo.actrec)
SELECT
    1 AS place, c.jobs AS jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?) AS jobs_with_number,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?) AS jobs_same_row,
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?) AS headers,
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?) AS lines_on_subcontract,
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?) AS subcontracts
FROM company AS c
UNION ALL
SELECT
    2, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    3, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    4, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    5, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    6, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    7, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    8, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    9, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
UNION ALL
SELECT
    10, c.jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?),
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?),
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?),
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?)
FROM company AS c
