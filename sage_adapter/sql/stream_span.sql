-- How many change orders there are and between which record numbers, so that reconciliation knows how wide a
-- range holds about as many as it wants at once. Nothing is concluded from it.
-- Seeks: nothing; counts prmchg.
SELECT COUNT(*) AS records, MIN(recnum) AS lowest, MAX(recnum) AS highest
FROM dbo.prmchg
