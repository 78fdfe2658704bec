/* The unlink protocol: claim, ask, settle, and everything that may happen meanwhile.
 *
 * One CCO, its links one after the other, clicks, a reconciliation, a person's check, the connection, staff and
 * the queue. Each `atomic` step is one committed transaction or one look at Sage; between two steps anything may
 * happen, and a process that is not scheduled again is a killed one. The ids in the comments (C1, S3, ...) are
 * those of the code map in README.md, which also says what is left out and how to run this.
 *
 * Sizes are set with -D; the tests name the searches in README.md. MOVES_ANYWAY: a move does not care
 * for an attempt that is being checked.
 */

#ifndef CLICKS
#define CLICKS 2          /* clicks on Unlink, each by a process of its own */
#endif
#ifndef RUNS
#define RUNS 1            /* reconciliations */
#endif
#ifndef CHECKS
#define CHECKS 0          /* checks by a person, which tell and never cut */
#endif
#ifndef LINKS
#define LINKS 2           /* link rows of the CCO, one after the other: made by relink or move */
#endif
#ifndef CHANGES
#define CHANGES 1         /* how often the connection is set anew or another database is accepted */
#endif
#ifndef LAST
#define LAST 7            /* the last moment; the first is 1, and 0 is never */
#endif
#ifndef LEASE
#define LEASE 4           /* SAGE_DEADLINE_SECONDS + LEASE_BEYOND_DEADLINE */
#endif
#ifndef DEADLINE
#define DEADLINE 1        /* SAGE_DEADLINE_SECONDS: how old the second look may be */
#endif

/* What is stored of a link, and what an asking found. */
#define UNKNOWN 0
#define PRESENT 1
#define ABSENT 2
#define UNCHECKED 3       /* stored only: the link came without a look */

/* The states of an attempt. Every end but UNLINKED leaves the link as it was, so they are one here. */
#define NOT_BEGUN 0
#define CHECKING 1
#define UNLINKED 2
#define NOT_UNLINKED 3

typedef Link {
    bit holds;
    unsigned presence : 2;
    unsigned checked_at : 4;
    unsigned last_seen : 4;
    unsigned linked_at : 4;
    unsigned missed_at : 4;     /* the beginning of the run that noted the record missing from its keys */
    /* For the properties only: the code does not have these. */
    unsigned sighted : 4;       /* when a reconciliation or a check last saw the record, of what is committed */
    unsigned told : 4           /* when Sage said what `presence` says */
}

typedef Attempt {
    unsigned state : 2;
    unsigned link : 2;
    unsigned started : 4;
    unsigned revision : 3
}

unsigned now : 4 = 1;
Link link[LINKS];
unsigned newest : 2 = 0;         /* the last link that was made; the only one that can be active */
Attempt attempt[CLICKS + 1];     /* the last one belongs to Later */

/* The connection. Two databases may answer to its name. */
unsigned revision : 3 = 1;
bit accepted = 0;
unsigned reconciled_at : 4 = 0;         /* when the last complete run began */
unsigned reconciled_until : 4 = 0;      /* when it had read the last of the books */

bit over = 0;                    /* Later has asked its question: the search ends here */
bit begun = 0;                   /* somebody has begun: what was before that is no matter */
byte clicks = CLICKS;            /* that have not come to their end: after the last, nothing can be cut */
#define GOING (!over && clicks)
#define MEANWHILE (GOING && begun)

#define EXPIRES(a) (attempt[a].started + LEASE)
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* P1: presence.seen_at. A complete run dates what is stored as there, of links that are older than the run. */
#define SEEN_AT(l, run) \
    ((link[l].presence == PRESENT && (run) >= link[l].linked_at) -> MAX(link[l].last_seen, run) : link[l].last_seen)

/* P3: presence.checked_at. */
#define CHECKED_AT(l, run) \
    ((link[l].presence != UNCHECKED && (run) >= link[l].linked_at) -> MAX(link[l].checked_at, run) : link[l].checked_at)

/* J8: whether the link was stored as gone when it was claimed, and nothing was stored of it since. */
#ifdef FAULT_GONE_AT_ANY_TIME
#define GONE_BEFORE(l) (link[l].presence == ABSENT)
#else
#define GONE_BEFORE(l) (asked_gone && link[l].presence == ABSENT && link[l].checked_at == asked_gone_at)
#endif

/* --- transactions ---------------------------------------------------------------------------------- */

/* P4: checking.note_sight. */
inline note_sight(row, what, seen_then) {
    if
    :: what == PRESENT && seen_then > SEEN_AT(row, reconciled_at) -> link[row].last_seen = seen_then
    :: else
    fi
}

/* P2: checking.stand. `seen_then` dates the look that found the record there, `stamp` is written as its time. */
inline stand(row, what, seen_then, stamp) {
    assert(link[row].holds);                        /* property 4: a link that has ended is history */
    link[row].last_seen = SEEN_AT(row, reconciled_at);
    note_sight(row, what, seen_then);
#if RUNS + CHECKS
    link[row].presence = what;
    link[row].checked_at = stamp
#endif
}

/* E1: an attempt ends, and ends once (property 3). */
inline end_attempt(a, how) {
    assert(attempt[a].state == CHECKING);
    attempt[a].state = how;
    attempt[a].started = 0;
    attempt[a].revision = 0;
    attempt[a].link = 0
}

/* What is stored of a link that has ended is of no matter: one state for all of it. */
inline end_link(row) {
    link[row].holds = 0;
    link[row].presence = 0;
    link[row].checked_at = 0;
    link[row].last_seen = 0;
    link[row].linked_at = 0;
    link[row].missed_at = 0;
    link[row].sighted = 0;
    link[row].told = 0
}

/* C2-C4: the links are locked, an expired attempt is ended, a new one begins. */
inline claim(who, of_revision, granted) {
    granted = 0;
    if
    :: !link[newest].holds                         /* C2: already unlinked */
    :: else ->
        granted = 1;
        i = 0;
        do
        :: i <= CLICKS ->
            if
            :: attempt[i].state == CHECKING && attempt[i].link == newest ->
                if
#ifdef FAULT_NEVER_FREED
                :: true -> granted = 0
#else
                :: now < EXPIRES(i) -> granted = 0      /* C3: being checked by somebody */
                :: else -> end_attempt(i, NOT_UNLINKED)
#endif
                fi
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        if
        :: granted ->                                   /* C4 */
            assert(attempt[who].state == NOT_BEGUN);
            attempt[who].state = CHECKING;
            attempt[who].link = newest;
            attempt[who].started = now;
            attempt[who].revision = of_revision
        :: else
        fi
    fi
}

/* --- a click --------------------------------------------------------------------------------------- */

proctype Click(byte me) {
    bit got;
    byte i;
    unsigned l : 2;
    unsigned found : 2;
    unsigned asked_revision : 3;    /* the connection as the claim read it */
    bit asked_database;
    unsigned asked_run : 4;
    unsigned asked_seen : 4;        /* the reference's last_seen_at */
    bit asked_gone;                 /* stored as gone when it was claimed, and when Sage had said so */
    unsigned asked_gone_at : 4;
    unsigned first : 4;
    unsigned second : 4;
    unsigned seen : 4;
    bit cut;
    /* For the properties only. */
    bit first_gone, second_gone, first_database, second_database;
#ifdef PROPERTY_NEVER_CUTS_WHAT_WAS_MISSED
    bit was_gone;
#endif

    /* C1: the statement that locks reads the connection before it waits for the lock. */
    atomic {
        GOING ->
        begun = 1;
        asked_revision = revision;
        asked_database = accepted;
        asked_run = reconciled_at;
        if
        :: me + 1 < CLICKS -> run Click(me + 1)     /* clicks are alike: which begins first is no matter */
        :: else
        fi
    }
    atomic {
        GOING ->
        claim(me, asked_revision, got);
        if
        :: got ->
            asked_gone = (link[newest].presence == ABSENT);
            asked_gone_at = (asked_gone -> link[newest].checked_at : 0);
            asked_seen = SEEN_AT(newest, asked_run); asked_run = 0; asked_revision = 0; got = 0
        :: else -> clicks--; goto done
        fi
    }

    /* L1: the first look, later than the claim. Sage may say anything at any time, any database may answer. */
    atomic {
        GOING && (now > attempt[me].started || attempt[me].state != CHECKING) ->
        if
        :: first_database = asked_database
        :: first_database = !asked_database
        fi;
        first = now;
        if
#ifndef FAULT_NO_HANDSHAKE
        :: first_database != asked_database -> goto no_answer       /* L3: another database */
        :: first_database == asked_database ->
#else
        :: true ->
#endif
            if
            :: goto no_answer                           /* silence, a fault, the deadline */
            :: found = PRESENT; asked_seen = 0; asked_gone = 0; asked_gone_at = 0; first_database = 0; goto settling
            :: first_gone = 1
            fi
        fi
    }
    /* L2: the second look, at least a moment later. */
    atomic {
        GOING && now > first ->
        second = now;
#ifdef FAULT_ONE_LOOK
        second_database = first_database;
        found = ABSENT
#else
        if
        :: second_database = asked_database
        :: second_database = !asked_database
        fi;
        if
#ifndef FAULT_NO_HANDSHAKE
        :: second_database != asked_database -> goto no_answer
        :: second_database == asked_database ->
#else
        :: true ->
#endif
            if
            :: goto no_answer                           /* silence */
            :: first = second; goto no_answer           /* there again: Sage is changing */
            :: second_gone = 1; found = ABSENT
            fi
        fi
#endif
    }

    goto settling;
no_answer:
    atomic {
        found = UNKNOWN;
#if !(RUNS + CHECKS)
        first = 0;
#endif
        asked_seen = 0; asked_gone = 0; asked_gone_at = 0; second = 0;
        first_gone = 0; second_gone = 0; first_database = 0; second_database = 0
    }
settling:
    atomic {
        GOING ->
        clicks--;
        asked_database = 0;
        l = attempt[me].link;
        if
#ifdef FAULT_TAKEN_OVER
        :: attempt[me].state == NOT_BEGUN -> skip
#else
        :: attempt[me].state != CHECKING                /* S1: ended by somebody else meanwhile */
#endif
        :: else ->
            cut = 0;
            seen = SEEN_AT(l, reconciled_at);
            if                                          /* J1-J7: judge, in its order */
#ifndef FAULT_NO_LEASE_CHECK
            :: now >= EXPIRES(me)                       /* J1 */
            :: now < EXPIRES(me) ->
#else
            :: true ->
#endif
                if
                :: true                                 /* J2: the rights were lost */
                :: found != ABSENT                      /* J3 */
                :: found == ABSENT ->
                    if
#ifndef FAULT_NO_LINK_CHECK
                    :: !link[l].holds                                   /* J4: moved meanwhile */
#endif
#ifndef FAULT_NO_SIGHTING_CHECK
                    :: seen != asked_seen && seen >= first              /* J4: seen after all */
#endif
#ifndef FAULT_NO_REVISION_CHECK
                    :: revision != attempt[me].revision || second_database != accepted      /* J5 */
#endif
#ifndef FAULT_NO_RUN_CHECK
                    :: reconciled_until >= first && !GONE_BEFORE(l) &&
                       link[l].missed_at != reconciled_at               /* J8: compared meanwhile */
#endif
                    :: first < attempt[me].started || first >= second || second > now       /* J6 */
#ifndef FAULT_OLD_EVIDENCE
                    :: now - second > DEADLINE                          /* J7 */
#endif
                    :: else -> cut = 1
                    fi
                fi
            fi;
#ifdef PROPERTY_NEVER_CUTS_WHAT_WAS_MISSED
            was_gone = GONE_BEFORE(l);
#endif
            seen = MAX(first, second);                  /* when Sage said what was found */
            if                                          /* S2: settling._counts; a cut is stored in any case */
#ifndef FAULT_STORES_OF_ENDED
            :: !cut && !link[l].holds
#endif
#ifndef FAULT_STORES_OF_FORMER
            :: !cut && revision != attempt[me].revision
#endif
#ifndef FAULT_STORES_OLDER
            :: !cut && seen < CHECKED_AT(l, reconciled_at)
#endif
            :: else ->                                  /* S3 */
                /* Property 4: what is stored was said by the connection as it is, and last of all. */
                assert(revision == attempt[me].revision);
#if RUNS + CHECKS
                assert(cut || seen >= link[l].told);
                link[l].told = seen;
#endif
                stand(l, found, first, seen)
            fi;
            if
            :: cut ->                                   /* S4 */
                /* Property 1: what must be true wherever a link is cut. */
                assert(first_gone && second_gone);
                assert(attempt[me].started <= first && first < second && second <= now);
                assert(now < EXPIRES(me));
                assert(now - second <= DEADLINE);
                assert(revision == attempt[me].revision);
                assert(first_database == accepted && second_database == accepted);
                assert(link[l].holds && l == newest);
                assert(link[l].sighted < first);
#ifdef PROPERTY_NEVER_CUTS
                assert(l == 0);     /* false: shows that the search gets as far as cutting a link made again */
#endif
#ifdef PROPERTY_NEVER_CUTS_WHAT_WAS_GONE
                assert(reconciled_until < first || link[l].missed_at == reconciled_at);
#endif
#ifdef PROPERTY_NEVER_CUTS_WHAT_WAS_MISSED
                assert(reconciled_until < first || was_gone);
#endif
                end_link(l);
                end_attempt(me, UNLINKED)
            :: else -> end_attempt(me, NOT_UNLINKED)    /* S5 */
            fi
        fi
    }
done:
    atomic {
        asked_revision = 0; asked_database = 0; asked_run = 0; asked_seen = 0; asked_gone = 0; asked_gone_at = 0;
        first = 0; second = 0; seen = 0; found = 0; cut = 0; l = 0; got = 0;
        first_gone = 0; second_gone = 0; first_database = 0; second_database = 0
    }
}

/* --- looks that tell ------------------------------------------------------------------------------- */

/* R3: checking.record_findings, of one link. `missed_by` is the beginning of the run whose keys did not have the
 * record, or 0. */
inline record(row, what, then, of_revision, by_person, missed_by) {
    if
    :: !link[row].holds                                              /* ended meanwhile */
    :: link[row].holds && revision != of_revision                 /* another connection */
    :: else ->
        if
        :: what == PRESENT -> link[row].sighted = MAX(link[row].sighted, then)
        :: else
        fi;
        if
        :: then < CHECKED_AT(row, reconciled_at)                     /* older */
#ifndef FAULT_NO_SIGHT_NOTED
            -> note_sight(row, what, then)
#endif
        :: then >= CHECKED_AT(row, reconciled_at) && link[row].presence == what && !by_person    /* the same */
#ifndef FAULT_NO_SIGHT_NOTED
            -> note_sight(row, what, then)
#endif
        :: else ->
            assert(then >= link[row].told);
            link[row].told = then;
            stand(row, what, then, then);
            if
            :: missed_by && what != PRESENT -> link[row].missed_at = missed_by
            :: else
            fi
        fi
    fi
}

/* For the properties: as of when a complete run has said what is stored. */
#ifdef PROPERTY_STORED_IS_NEWER_THAN_KEYS
#define TOLD_THEN read
#else
#define TOLD_THEN started
#endif

proctype Run() {
    unsigned started : 4;
    unsigned asked_revision : 3;
    unsigned l : 2;
    bit there;                      /* what the keys say */
    unsigned read : 4;              /* when they did */
    unsigned looked : 4;
    unsigned found : 2;
    bit as_stored;                  /* what is stored is what the keys say */

    atomic {                                                        /* R1 */
        GOING ->
        begun = 1;
        started = now;
        asked_revision = revision
    }
    atomic {                                                        /* R2: the keys of the whole company */
        GOING ->
        if
        :: goto ended                                               /* silence, or another database */
        :: there = 1
        :: there = 0
        fi;
        read = now
    }
    atomic {                                                        /* R6: compared with what is stored */
        GOING && link[newest].holds ->
        l = newest;
        if
        :: link[l].presence == (there -> PRESENT : ABSENT) -> as_stored = 1; goto ending
        :: there && link[l].presence == UNCHECKED -> as_stored = 1
        :: else
        fi
    }
    if
    :: as_stored ->
        atomic {                                                    /* R7: of a link that was never looked at */
            GOING ->
            if
            :: link[l].holds && link[l].presence == UNCHECKED && revision == asked_revision ->
                link[l].presence = PRESENT;
                link[l].checked_at = started;
                link[l].told = MAX(link[l].told, started);
                link[l].last_seen = MAX(link[l].last_seen, started)
            :: else
            fi;
            goto ending
        }
    :: else
    fi;
    atomic {                                                        /* R4: the look at a suspect */
        GOING ->
        looked = now;
        if
        :: goto ended
        :: found = UNKNOWN
        :: found = PRESENT
        :: found = ABSENT
        fi
    }
    atomic {
        GOING ->
        record(l, found, looked, asked_revision, 0, (there -> 0 : started));
        looked = 0; found = 0; there = 0
    }
ending:
    atomic {                                                        /* R5 */
        GOING ->
        if
        :: revision == asked_revision ->
            reconciled_at = MAX(reconciled_at, started);
            reconciled_until = MAX(reconciled_until, read);
            if
            :: as_stored && link[l].holds ->
                if
                :: there -> link[l].sighted = MAX(link[l].sighted, read)
                :: else
                fi;
                if
                :: started >= link[l].linked_at -> link[l].told = MAX(link[l].told, TOLD_THEN)
                :: else
                fi
            :: else
            fi
        :: else
        fi
    }
ended:
    atomic { started = 0; asked_revision = 0; l = 0; there = 0; read = 0; looked = 0; found = 0; as_stored = 0 }
}

proctype Check() {
    unsigned asked_revision : 3;
    unsigned l : 2;
    unsigned looked : 4;
    unsigned found : 2;

    atomic {                                                        /* K1 */
        GOING && link[newest].holds ->
        begun = 1;
        asked_revision = revision;
        l = newest;
        looked = now;
        if
        :: found = PRESENT
        :: found = ABSENT
        fi
    }
    atomic { GOING -> record(l, found, looked, asked_revision, 1, 0) } /* K2 */
    atomic { asked_revision = 0; l = 0; looked = 0; found = 0 }
}

/* --- everybody else -------------------------------------------------------------------------------- */

/* F1, F2: staff, or the queue, ends an attempt whose lease is over. */
proctype Free() {
    byte i;
    do
    :: atomic {
        MEANWHILE ->
        i = 0;
        do
        :: i < CLICKS && !(attempt[i].state == CHECKING && now >= EXPIRES(i)) -> i++
        :: else -> break
        od;
        if
        :: i < CLICKS -> end_attempt(i, NOT_UNLINKED)
        :: else
        fi;
        i = 0
    }
    od
}

/* M1, M2: the connection is set anew; another database is accepted. */
proctype Connection() {
    do
    :: atomic { MEANWHILE && revision <= CHANGES -> revision++ }
    :: atomic { MEANWHILE && revision <= CHANGES -> revision++; accepted = !accepted }
    od
}

inline make_link() {
    newest++;
    link[newest].holds = 1;
#if RUNS + CHECKS
    link[newest].presence = PRESENT;
    link[newest].checked_at = now;
#endif
    link[newest].last_seen = now;
    link[newest].linked_at = now;
#if RUNS + CHECKS
    link[newest].told = now
#endif
}

proctype Tie() {
    byte i;
    bit held;
    do
    /* T1: relink, after a look at the record: a new link beside the old one. */
    :: atomic { MEANWHILE && newest + 1 < LINKS && !link[newest].holds -> make_link() }
    /* T2: move: one transaction ends the link and makes its successor, unless somebody is being answered. */
    :: atomic {
        MEANWHILE && newest + 1 < LINKS && link[newest].holds ->
        held = 0;
        i = 0;
        do
        :: i < CLICKS ->
            if
            :: attempt[i].state == CHECKING && attempt[i].link == newest ->
                if
                :: now < EXPIRES(i) -> held = 1
                :: else -> end_attempt(i, NOT_UNLINKED)
                fi
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
#if defined(MOVES_ANYWAY) || defined(FAULT_MOVES_ANYWAY)
        held = 0;
#endif
        if
        :: held -> held = 0
        :: else -> end_link(newest); make_link()
        fi
    }
    od
}

proctype Time() {
    do
    :: atomic { MEANWHILE && now < LAST -> now++ }
    od
}

/* Properties 2, 3 and 5, asked in every state there is: a click that comes once all leases are over gets its claim
 * on an active link, whatever the others left behind; no link has two attempts that are being checked; and no link
 * that has ended has one. */
proctype Later() {
    bit got;
    byte i, j;
    d_step {
        !over ->
        i = 0;
        do
        :: i < CLICKS ->
#ifndef MOVES_ANYWAY
            assert(attempt[i].state != CHECKING || link[attempt[i].link].holds);
#endif
            j = i + 1;
            do
            :: j < CLICKS ->
                assert(!(attempt[i].state == CHECKING && attempt[j].state == CHECKING
                         && attempt[i].link == attempt[j].link));
                j++
            :: else -> break
            od;
            i++
        :: else -> break
        od;
        if
        :: link[newest].holds ->
            now = LAST + LEASE;
            claim(CLICKS, revision, got);
            assert(got)
        :: else
        fi;
        /* One state for all that follows. */
        i = 0;
        do
        :: i <= CLICKS ->
            attempt[i].state = 0; attempt[i].link = 0; attempt[i].started = 0; attempt[i].revision = 0;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < LINKS ->
            link[i].holds = 0; link[i].presence = 0; link[i].checked_at = 0; link[i].last_seen = 0;
            link[i].linked_at = 0; link[i].missed_at = 0; link[i].sighted = 0; link[i].told = 0;
            i++
        :: else -> break
        od;
        i = 0; j = 0; got = 0;
        now = 0; begun = 0; clicks = 0; newest = 0; revision = 0; accepted = 0;
        reconciled_at = 0; reconciled_until = 0;
        over = 1
    }
}

init {
    byte n;
    atomic {
        /* A link whose record was there, is thought gone, or nobody is sure. */
        link[0].holds = 1;
#if RUNS + CHECKS
        if
        :: link[0].presence = UNKNOWN
        :: link[0].presence = PRESENT
        :: link[0].presence = ABSENT
#if CHECKS
        :: link[0].presence = UNCHECKED
#endif
        fi;
#endif
        run Click(0);
        n = 0;
        do :: n < RUNS -> run Run(); n++ :: else -> break od;
        n = 0;
        do :: n < CHECKS -> run Check(); n++ :: else -> break od;
        n = 0;
        run Free();
        run Connection();
        run Tie();
        run Time();
        run Later()
    }
}
