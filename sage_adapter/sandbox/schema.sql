-- One company's books, as Sage 100 Contractor keeps them: the tables and columns that the product reads.
-- No schema is published for this program; names and types were gathered from what public integrations
-- read. Opened as `dbo`. Moments are UTC text 'YYYY-MM-DD HH:MM:SS.mmm', row ids upper-case text.
-- Foreign keys hold only where the writer switches them on.

CREATE TABLE sandbox_identity (
    only_row      int NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    database_name TEXT NOT NULL,
    incarnation   TEXT NOT NULL,
    company       TEXT NOT NULL
);

-- What the practice company remembers beside the books: deleted change orders that may be restored, and which
-- record shows what. Several deleted ones may have had the same record number, one after the other.
CREATE TABLE sandbox_deleted (
    _idnum        TEXT NOT NULL PRIMARY KEY,
    recnum        bigint NOT NULL,
    header        TEXT NOT NULL,
    lines         TEXT NOT NULL
);
CREATE TABLE sandbox_scenario (
    key           TEXT NOT NULL PRIMARY KEY,
    recnum        bigint NOT NULL,
    vndctc        bigint NOT NULL,
    title         TEXT NOT NULL CHECK (length(title) <= 30),
    description   TEXT NOT NULL
);

-- Jobs (window 3-5). recnum is the job number.
CREATE TABLE actrec (
    recnum  bigint NOT NULL PRIMARY KEY,
    jobnme  nvarchar(75) NOT NULL DEFAULT '' CHECK (length(jobnme) <= 75),
    shtnme  nvarchar(30) NOT NULL DEFAULT '' CHECK (length(shtnme) <= 30),
    clnnum  bigint,
    status  tinyint NOT NULL CHECK (status BETWEEN 1 AND 6),
    jobtyp  int REFERENCES jobtyp (recnum),
    connum  nvarchar(30) NOT NULL DEFAULT '',
    pchord  nvarchar(30) NOT NULL DEFAULT '',
    cntrct  decimal(12,2) NOT NULL DEFAULT 0,
    ctcdte  date,
    sttdte  date,
    cmpdte  date,
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    usrdf2  nvarchar(50) NOT NULL DEFAULT '',
    inactv  nvarchar(2) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Vendors (window 4-4).
CREATE TABLE actpay (
    recnum  bigint NOT NULL PRIMARY KEY,
    vndnme  nvarchar(75) NOT NULL DEFAULT '' CHECK (length(vndnme) <= 75),
    shtnme  nvarchar(30) NOT NULL DEFAULT '' CHECK (length(shtnme) <= 30),
    actnum  nvarchar(30) NOT NULL DEFAULT '',
    vndtyp  int REFERENCES vndtyp (recnum),
    e_mail  nvarchar(75) NOT NULL DEFAULT '',
    phnnum  nvarchar(14) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Subcontracts (window 6-7-1). Change lines point at recnum; ctcnum may occur twice.
CREATE TABLE subcon (
    recnum  bigint NOT NULL PRIMARY KEY,
    ctcnum  nvarchar(20) NOT NULL DEFAULT '' CHECK (length(ctcnum) <= 20),
    vndnum  bigint REFERENCES actpay (recnum),
    jobnum  bigint REFERENCES actrec (recnum),
    phsnum  bigint NOT NULL DEFAULT 0,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '' CHECK (length(dscrpt) <= 50),
    status  tinyint NOT NULL CHECK (status BETWEEN 1 AND 6),
    contyp  int,
    condte  date,
    appdte  date,
    orgstr  date,
    orgfin  date,
    strdte  date,
    findte  date,
    cntttl  decimal(12,2) NOT NULL DEFAULT 0,
    chgttl  decimal(12,2) NOT NULL DEFAULT 0,
    ctcttl  decimal(12,2) NOT NULL DEFAULT 0,
    invttl  decimal(12,2) NOT NULL DEFAULT 0,
    balttl  decimal(12,2) NOT NULL DEFAULT 0,
    lckedt  tinyint NOT NULL DEFAULT 0,
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);
CREATE INDEX subcon_ctcnum ON subcon (ctcnum);
CREATE INDEX subcon_jobnum ON subcon (jobnum);

-- Lines of a subcontract.
CREATE TABLE sbcnln (
    recnum  bigint NOT NULL REFERENCES subcon (recnum) ON DELETE CASCADE,
    linnum  int NOT NULL,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '' CHECK (length(dscrpt) <= 50),
    cstcde  decimal(15,3) REFERENCES cstcde (recnum),
    csttyp  tinyint REFERENCES csttyp (recnum),
    amount  decimal(12,2) NOT NULL DEFAULT 0,
    "change" decimal(12,2) NOT NULL DEFAULT 0,
    cntrct  decimal(12,2) NOT NULL DEFAULT 0,
    billed  decimal(12,2) NOT NULL DEFAULT 0,
    remain  decimal(12,2) NOT NULL DEFAULT 0,
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    linref  nvarchar(32),
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    _idref  TEXT NOT NULL,
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50),
    PRIMARY KEY (recnum, linnum)
);

-- Change orders (window 6-4-1). chgnum is free text and not unique.
CREATE TABLE prmchg (
    recnum  bigint NOT NULL PRIMARY KEY,
    chgnum  nvarchar(20) NOT NULL DEFAULT '' CHECK (length(chgnum) <= 20),
    chgdte  date,
    jobnum  bigint REFERENCES actrec (recnum),
    phsnum  bigint NOT NULL DEFAULT 0,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '' CHECK (length(dscrpt) <= 50),
    reason  nvarchar(50) NOT NULL DEFAULT '',
    status  tinyint NOT NULL CHECK (status BETWEEN 1 AND 6),
    chgtyp  int REFERENCES chgtyp (recnum),
    pchord  nvarchar(30) NOT NULL DEFAULT '',
    subdte  date,
    aprdte  date,
    invdte  date,
    reqamt  decimal(12,2) NOT NULL DEFAULT 0,
    appamt  decimal(12,2) NOT NULL DEFAULT 0,
    cstamt  decimal(12,2) NOT NULL DEFAULT 0,
    ovhamt  decimal(12,2) NOT NULL DEFAULT 0,
    chgscp  nvarchar NOT NULL DEFAULT '',
    actper  tinyint,
    postyr  smallint,
    lckedt  tinyint NOT NULL DEFAULT 0,
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    usrdf2  nvarchar(50) NOT NULL DEFAULT '',
    entdte  date,
    usrnme  nvarchar(50) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);
CREATE INDEX prmchg_number ON prmchg (jobnum, phsnum, chgnum);

-- Prime side of a change order: what the client pays.
CREATE TABLE pmcgln (
    recnum  bigint NOT NULL REFERENCES prmchg (recnum) ON DELETE CASCADE,
    linnum  int NOT NULL,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '',
    estamt  decimal(12,2) NOT NULL DEFAULT 0,
    ovhmrk  decimal(8,4) NOT NULL DEFAULT 0,
    pftmrk  decimal(8,4) NOT NULL DEFAULT 0,
    reqprc  decimal(12,2) NOT NULL DEFAULT 0,
    aprprc  decimal(12,2) NOT NULL DEFAULT 0,
    cstcde  decimal(15,3),
    csttyp  tinyint,
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    _idref  TEXT NOT NULL,
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50),
    PRIMARY KEY (recnum, linnum)
);

-- Budget and sub side of a change order: where a subcontract's change lives. vndctc is
-- subcon.recnum; without it the line is a pure budget change.
CREATE TABLE sbcgln (
    recnum  bigint NOT NULL REFERENCES prmchg (recnum) ON DELETE CASCADE,
    linnum  int NOT NULL,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '' CHECK (length(dscrpt) <= 50),
    chghrs  decimal(12,2) NOT NULL DEFAULT 0,
    chgunt  decimal(10,4) NOT NULL DEFAULT 0,
    bdgprc  decimal(12,2) NOT NULL DEFAULT 0,
    vndnum  bigint REFERENCES actpay (recnum),
    vndctc  bigint REFERENCES subcon (recnum),
    ctclin  int,
    chgnum  nvarchar(20) NOT NULL DEFAULT '' CHECK (length(chgnum) <= 20),
    chgsts  tinyint NOT NULL CHECK (chgsts BETWEEN 1 AND 6),
    chgdte  date,
    cstcde  decimal(15,3) REFERENCES cstcde (recnum),
    csttyp  tinyint REFERENCES csttyp (recnum),
    ovhmrk  decimal(8,4) NOT NULL DEFAULT 0,
    linref  nvarchar(32),
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    _idref  TEXT NOT NULL,
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50),
    PRIMARY KEY (recnum, linnum)
);
CREATE INDEX sbcgln_vndctc ON sbcgln (vndctc, recnum);
CREATE UNIQUE INDEX sbcgln_once ON sbcgln (recnum, vndctc, ctclin) WHERE ctclin IS NOT NULL;

-- Purchase orders (window 6-6-1).
CREATE TABLE pchord (
    recnum  bigint NOT NULL PRIMARY KEY,
    ordnum  nvarchar(20) NOT NULL DEFAULT '',
    orddte  date,
    vndnum  bigint REFERENCES actpay (recnum),
    jobnum  bigint REFERENCES actrec (recnum),
    phsnum  bigint NOT NULL DEFAULT 0,
    dscrpt  nvarchar(50) NOT NULL DEFAULT '',
    docnum  nvarchar(20) NOT NULL DEFAULT '',
    ordtyp  int,
    status  tinyint NOT NULL CHECK (status BETWEEN 1 AND 6),
    subttl  decimal(12,2) NOT NULL DEFAULT 0,
    slstax  decimal(12,2) NOT NULL DEFAULT 0,
    pchttl  decimal(12,2) NOT NULL DEFAULT 0,
    pchbal  decimal(12,2) NOT NULL DEFAULT 0,
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Lines of a purchase order.
CREATE TABLE pcorln (
    recnum  bigint NOT NULL REFERENCES pchord (recnum) ON DELETE CASCADE,
    linnum  int NOT NULL,
    prtnum  nvarchar(20) NOT NULL DEFAULT '',
    prtdsc  nvarchar(75) NOT NULL DEFAULT '',
    untdsc  nvarchar(10) NOT NULL DEFAULT '',
    linqty  decimal(12,4) NOT NULL DEFAULT 0,
    linprc  decimal(12,4) NOT NULL DEFAULT 0,
    extttl  decimal(12,2) NOT NULL DEFAULT 0,
    cstcde  decimal(15,3) REFERENCES cstcde (recnum),
    csttyp  tinyint REFERENCES csttyp (recnum),
    usrdf1  nvarchar(50) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    _idref  TEXT NOT NULL,
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50),
    PRIMARY KEY (recnum, linnum)
);

-- Payable invoices (window 4-2), as much of them as subcontract totals need.
CREATE TABLE acpinv (
    recnum  bigint NOT NULL PRIMARY KEY,
    invnum  nvarchar(20) NOT NULL DEFAULT '',
    vndnum  bigint REFERENCES actpay (recnum),
    jobnum  bigint REFERENCES actrec (recnum),
    phsnum  bigint NOT NULL DEFAULT 0,
    ctcnum  nvarchar(20) NOT NULL DEFAULT '',
    invttl  decimal(12,2) NOT NULL DEFAULT 0,
    status  tinyint NOT NULL CHECK (status BETWEEN 1 AND 5),
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Phases of a job; phase 0 means the job has none.
CREATE TABLE jobphs (
    recnum  bigint NOT NULL REFERENCES actrec (recnum) ON DELETE CASCADE,
    phsnum  bigint NOT NULL,
    phsnme  nvarchar(50) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50),
    PRIMARY KEY (recnum, phsnum)
);

-- Cost codes: the number is the code. Company-wide.
CREATE TABLE cstcde (
    recnum  decimal(15,3) NOT NULL PRIMARY KEY,
    cdenme  nvarchar(50) NOT NULL DEFAULT '',
    untdsc  nvarchar(10) NOT NULL DEFAULT '',
    divnum  int,
    inactv  nvarchar(2) NOT NULL DEFAULT '',
    ntetxt  nvarchar NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Cost types: nine, five of them fixed.
CREATE TABLE csttyp (
    recnum  tinyint NOT NULL PRIMARY KEY CHECK (recnum BETWEEN 1 AND 9),
    typnme  nvarchar(50) NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Change order types, the company's own.
CREATE TABLE chgtyp (
    recnum  int NOT NULL PRIMARY KEY,
    typnme  nvarchar(50) NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Job types.
CREATE TABLE jobtyp (
    recnum  int NOT NULL PRIMARY KEY,
    typnme  nvarchar(50) NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Vendor types.
CREATE TABLE vndtyp (
    recnum  int NOT NULL PRIMARY KEY,
    typnme  nvarchar(50) NOT NULL DEFAULT '',
    _idnum  TEXT NOT NULL UNIQUE CHECK (length(_idnum) = 36 AND _idnum = upper(_idnum)),
    insdte  TEXT NOT NULL,
    insusr  nvarchar(50) NOT NULL DEFAULT '',
    upddte  TEXT,
    updusr  nvarchar(50)
);

-- Sage help, Deleting subcontracts: not once it has an invoiced or a changed amount; a line likewise.
CREATE TRIGGER subcon_in_use BEFORE DELETE ON subcon
WHEN OLD.chgttl <> 0 OR OLD.invttl <> 0
BEGIN
    SELECT RAISE(ABORT, 'a subcontract with changes or invoices cannot be deleted');
END;
CREATE TRIGGER sbcnln_in_use BEFORE DELETE ON sbcnln
WHEN OLD."change" <> 0 OR OLD.billed <> 0
BEGIN
    SELECT RAISE(ABORT, 'a subcontract line with changes or invoices cannot be deleted');
END;
