-- Sage's history of four tables: one row per insert, update and delete, with the values after the change
-- (before it, for a delete). Opened as `dbo_Audit`. The names _Action, _User and _Application are ours: Sage
-- shows the three but publishes no column names.

CREATE TABLE actrec (
    recnum  bigint,
    jobnme  nvarchar(75),
    shtnme  nvarchar(30),
    clnnum  bigint,
    status  tinyint,
    jobtyp  int,
    connum  nvarchar(30),
    pchord  nvarchar(30),
    cntrct  decimal(12,2),
    ctcdte  date,
    sttdte  date,
    cmpdte  date,
    usrdf1  nvarchar(50),
    usrdf2  nvarchar(50),
    inactv  nvarchar(2),
    ntetxt  nvarchar,
    _idnum  TEXT NOT NULL,
    insdte  TEXT,
    insusr  nvarchar(50),
    upddte  TEXT,
    updusr  nvarchar(50),
    _Date   TEXT NOT NULL,
    _Action TEXT NOT NULL CHECK (_Action IN ('insert', 'update', 'delete')),
    _User   nvarchar(50) NOT NULL,
    _Application nvarchar(128) NOT NULL
);
CREATE INDEX actrec_recnum ON actrec (recnum, _Date);
CREATE INDEX actrec_idnum ON actrec (_idnum, _Date);
CREATE INDEX actrec_date ON actrec (_Date);

CREATE TABLE subcon (
    recnum  bigint,
    ctcnum  nvarchar(20),
    vndnum  bigint,
    jobnum  bigint,
    phsnum  bigint,
    dscrpt  nvarchar(50),
    status  tinyint,
    contyp  int,
    condte  date,
    appdte  date,
    orgstr  date,
    orgfin  date,
    strdte  date,
    findte  date,
    cntttl  decimal(12,2),
    chgttl  decimal(12,2),
    ctcttl  decimal(12,2),
    invttl  decimal(12,2),
    balttl  decimal(12,2),
    lckedt  tinyint,
    ntetxt  nvarchar,
    _idnum  TEXT NOT NULL,
    insdte  TEXT,
    insusr  nvarchar(50),
    upddte  TEXT,
    updusr  nvarchar(50),
    _Date   TEXT NOT NULL,
    _Action TEXT NOT NULL CHECK (_Action IN ('insert', 'update', 'delete')),
    _User   nvarchar(50) NOT NULL,
    _Application nvarchar(128) NOT NULL
);
CREATE INDEX subcon_recnum ON subcon (recnum, _Date);
CREATE INDEX subcon_idnum ON subcon (_idnum, _Date);
CREATE INDEX subcon_date ON subcon (_Date);

CREATE TABLE prmchg (
    recnum  bigint,
    chgnum  nvarchar(20),
    chgdte  date,
    jobnum  bigint,
    phsnum  bigint,
    dscrpt  nvarchar(50),
    reason  nvarchar(50),
    status  tinyint,
    chgtyp  int,
    pchord  nvarchar(30),
    subdte  date,
    aprdte  date,
    invdte  date,
    reqamt  decimal(12,2),
    appamt  decimal(12,2),
    cstamt  decimal(12,2),
    ovhamt  decimal(12,2),
    chgscp  nvarchar,
    actper  tinyint,
    postyr  smallint,
    lckedt  tinyint,
    usrdf1  nvarchar(50),
    usrdf2  nvarchar(50),
    entdte  date,
    usrnme  nvarchar(50),
    ntetxt  nvarchar,
    _idnum  TEXT NOT NULL,
    insdte  TEXT,
    insusr  nvarchar(50),
    upddte  TEXT,
    updusr  nvarchar(50),
    _Date   TEXT NOT NULL,
    _Action TEXT NOT NULL CHECK (_Action IN ('insert', 'update', 'delete')),
    _User   nvarchar(50) NOT NULL,
    _Application nvarchar(128) NOT NULL
);
CREATE INDEX prmchg_recnum ON prmchg (recnum, _Date);
CREATE INDEX prmchg_idnum ON prmchg (_idnum, _Date);
CREATE INDEX prmchg_date ON prmchg (_Date);

CREATE TABLE sbcgln (
    recnum  bigint,
    linnum  int,
    dscrpt  nvarchar(50),
    chghrs  decimal(12,2),
    chgunt  decimal(10,4),
    bdgprc  decimal(12,2),
    vndnum  bigint,
    vndctc  bigint,
    ctclin  int,
    chgnum  nvarchar(20),
    chgsts  tinyint,
    chgdte  date,
    cstcde  decimal(15,3),
    csttyp  tinyint,
    ovhmrk  decimal(8,4),
    linref  nvarchar(32),
    usrdf1  nvarchar(50),
    ntetxt  nvarchar,
    _idnum  TEXT NOT NULL,
    _idref  TEXT,
    insdte  TEXT,
    insusr  nvarchar(50),
    upddte  TEXT,
    updusr  nvarchar(50),
    _Date   TEXT NOT NULL,
    _Action TEXT NOT NULL CHECK (_Action IN ('insert', 'update', 'delete')),
    _User   nvarchar(50) NOT NULL,
    _Application nvarchar(128) NOT NULL
);
CREATE INDEX sbcgln_recnum ON sbcgln (recnum, _Date);
CREATE INDEX sbcgln_idnum ON sbcgln (_idnum, _Date);
CREATE INDEX sbcgln_date ON sbcgln (_Date);
