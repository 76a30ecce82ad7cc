/*
** walwrap.h: know when a write is safe.
**
** walwrap runs an app and replicates its SQLite database to an object store. This is the interface
** between the two: a program that walwrap has started asks whether a commit is in the replica.
**
**    walwrap_handle *w = NULL;
**    char *error = NULL;
**    if( walwrap_open(NULL, &w, &error)==WALWRAP_OK
**     && walwrap_wait(w, NULL, NULL, 5000, NULL, &error)==WALWRAP_OK ){
**      puts("stored");
**    }else{
**      fprintf(stderr, "%s\n", error);
**    }
**    walwrap_free(error);
**    walwrap_close(w);
**
** Link with -lwalwrap (pkg-config walwrap). The library needs libc alone. It starts no thread,
** installs no signal handler, raises no SIGPIPE, and holds no file descriptor between two calls.
**
** Conventions
**
** Each function that can fail returns one of the result codes. Its last parameter, "error", is
** NULL, or points to where a sentence about the failure is put, for people to read. The sentence is
** UTF-8 without a newline. The caller releases it with walwrap_free(). After WALWRAP_OK, and where
** there was no memory for it, *error is NULL.
**
** Text that goes in is UTF-8 and ends with a zero byte. It is copied; nothing is kept. Text that
** comes out belongs to the caller, who releases it with walwrap_free(). Where a function does not
** return WALWRAP_OK, it sets its output parameters to NULL.
**
** A parameter "database" says which database is meant: the path of its file, or the name of the
** file without its directory where walwrap replicates only one of that name. NULL means the only
** one; with several databases it gives WALWRAP_WHICH_DATABASE.
**
** A parameter "milliseconds" is the longest time that walwrap may take, from 0 to
** WALWRAP_MAX_MILLISECONDS. If walwrap itself does not answer, a call returns at most five seconds
** later than that.
**
** THREADS: one handle may be used by several threads at the same time. Two calls do not wait for
** one another. The exceptions are walwrap_close() and walwrap_progress_handler(), which no other
** call on the same handle may overlap.
**
** FORK: a handle that was opened before a fork() can be used in both processes.
**
** SIGNALS: a signal handler of the program does not end a call. walwrap_progress_handler() can.
*/
#ifndef WALWRAP_H
#define WALWRAP_H

#ifdef __cplusplus
extern "C" {
#endif

/*
** How the functions are declared: for those who compile the library or bind it in a way of their
** own.
*/
#ifndef WALWRAP_API
#define WALWRAP_API
#endif

/*
** Compile-Time Version Numbers
**
** WALWRAP_VERSION is "X.Y.Z", and WALWRAP_VERSION_NUMBER is X*1000000 + Y*1000 + Z. What is
** documented here keeps its meaning and its binary interface for as long as the library's name
** stays libwalwrap.so.0. New functions and new result codes may come at any time.
*/
#define WALWRAP_VERSION "0.1.0"
#define WALWRAP_VERSION_NUMBER 1000

/*
** Run-Time Version Numbers
**
** The version of the library that the program runs with. It may be newer than the header that the
** program was compiled with.
*/
WALWRAP_API const char *walwrap_libversion(void);
WALWRAP_API int walwrap_libversion_number(void);

/*
** Result Codes
**
** WALWRAP_OK is the only code that says that something is stored. Every other code means that it is
** not known to be stored. It may be stored, or may be stored later.
**
** A program should treat a code that it does not know as a failure.
**
**   WALWRAP_OK                Done. After walwrap_wait() and walwrap_flush(): stored.
**   WALWRAP_NOT_STORED        The time is over, and it was not stored in that time. Wait again
**                             with the same position.
**   WALWRAP_NO_WALWRAP        The environment variable WALWRAP_SOCKET is not set, so no walwrap
**                             has started this program.
**   WALWRAP_UNREACHABLE       walwrap does not answer. It has ended, or its replicator is being
**                             restarted.
**   WALWRAP_DENIED            This program may not ask: it runs as another user.
**   WALWRAP_MISUSE            An argument is wrong.
**   WALWRAP_WHICH_DATABASE    walwrap replicates several databases and none was named, or it
**                             replicates none of that name.
**   WALWRAP_POSITION_UNKNOWN  The position is of another file or of an earlier walwrap. Ask for a
**                             new position.
**   WALWRAP_NOT_REPLICATING   walwrap does not replicate the database any more, or could not store
**                             the snapshot.
**   WALWRAP_STOPPING          walwrap stops.
**   WALWRAP_INTERRUPTED       The progress handler ended the call.
**   WALWRAP_PROTOCOL          The answer is not one that this library understands.
**   WALWRAP_NOMEM             There is not enough memory.
*/
#define WALWRAP_OK 0
#define WALWRAP_NOT_STORED 1
#define WALWRAP_NO_WALWRAP 2
#define WALWRAP_UNREACHABLE 3
#define WALWRAP_DENIED 4
#define WALWRAP_MISUSE 5
#define WALWRAP_WHICH_DATABASE 6
#define WALWRAP_POSITION_UNKNOWN 7
#define WALWRAP_NOT_REPLICATING 8
#define WALWRAP_STOPPING 9
#define WALWRAP_INTERRUPTED 10
#define WALWRAP_PROTOCOL 11
#define WALWRAP_NOMEM 12

/*
** The Longest Wait
**
** Ten minutes, in milliseconds.
*/
#define WALWRAP_MAX_MILLISECONDS 600000

/*
** Result Codes As Text
**
** A short English text for a result code, in static storage. It is never NULL. The "error" of a
** call says more.
*/
WALWRAP_API const char *walwrap_errstr(int code);

/*
** A Handle
**
** Where walwrap is to be asked. It is an opaque pointer that walwrap_open() makes and
** walwrap_close() releases.
*/
typedef struct walwrap_handle walwrap_handle;

/*
** Open A Handle
**
** "socket" is the path of walwrap's Unix socket. NULL means the value of the environment variable
** WALWRAP_SOCKET, which walwrap sets for the app. A process with raised privileges (set-user-ID)
** must give the path, because its environment is not trusted.
**
** walwrap_open() does not connect. That walwrap does not answer is reported by the calls that need
** the answer. So a program can open its handle once, at its start.
**
** Errors: WALWRAP_NO_WALWRAP, WALWRAP_MISUSE (the path has more than 107 bytes), WALWRAP_NOMEM.
** *handle is then NULL.
*/
WALWRAP_API int walwrap_open(const char *socket, walwrap_handle **handle, char **error);

/*
** Close A Handle
**
** Releases the handle. No other call may use it at the same time or afterwards. NULL is allowed and
** does nothing.
*/
WALWRAP_API void walwrap_close(walwrap_handle *handle);

/*
** Release Text
**
** Releases a text that a function of this library gave to the caller. NULL is allowed and does
** nothing.
*/
WALWRAP_API void walwrap_free(char *text);

/*
** What Is Committed By Now
**
** Sets *position to a short ASCII text that stands for all commits up to now. It does not wait
** until they are stored: hand it to walwrap_wait(), now or later, from this program or another.
**
** Ask after the COMMIT, on any thread. A position is good for as long as this walwrap runs and the
** database file is the same.
**
** Errors: WALWRAP_NOT_STORED (walwrap did not read the WAL in time), and others.
*/
WALWRAP_API int walwrap_position(
  walwrap_handle *handle,
  const char *database,
  int milliseconds,
  char **position,
  char **error
);

/*
** Wait Until It Is Stored
**
** Returns WALWRAP_OK as soon as the commit that "position" stands for, and each commit before it,
** is in the replica. If "position" is NULL it means what is committed by now. With a position
** and zero milliseconds it says whether that is known to be stored already.
**
** Call it after the COMMIT, never inside the transaction: what is not committed cannot be stored,
** and other writers would have to wait as well.
**
** A wait keeps to the pace of uploads (--replicate-interval); walwrap_flush() does not.
**
** If "txid" is not NULL, *txid is set to the transaction id, 16 hexadecimal digits, to which
** `walwrap restore --txid` restores.
**
** If the connection breaks because walwrap's replicator is restarted, the request is repeated once
** in the time that is left.
**
** Errors: WALWRAP_NOT_STORED, WALWRAP_POSITION_UNKNOWN, WALWRAP_NOT_REPLICATING, WALWRAP_STOPPING,
** WALWRAP_UNREACHABLE, and others. Nothing but WALWRAP_OK says that it is stored.
*/
WALWRAP_API int walwrap_wait(
  walwrap_handle *handle,
  const char *database,
  const char *position,
  int milliseconds,
  char **txid,
  char **error
);

/*
** Store It At Once
**
** As walwrap_wait() without a position, but the upload begins at once, whatever the pace is. In a
** bucket each upload is billed. So flush before a deploy, and wait after a write.
*/
WALWRAP_API int walwrap_flush(
  walwrap_handle *handle,
  const char *database,
  int milliseconds,
  char **txid,
  char **error
);

/*
** Store The Whole Database As One File
**
** Stores a snapshot, from which a later restore begins. Nothing else is uploaded meanwhile. A call
** that returns WALWRAP_NOT_STORED does not end the snapshot.
**
** It is never repeated after it was sent, because a second snapshot would be stored.
*/
WALWRAP_API int walwrap_snapshot(
  walwrap_handle *handle,
  const char *database,
  int milliseconds,
  char **txid,
  char **error
);

/*
** The Status
**
** Sets *json to the state, lag, position and health of each database, as one JSON object: the
** answer of GET /v1/status, which docs/openapi.json describes.
**
** It is answered at once; after ten seconds without an answer it fails with WALWRAP_UNREACHABLE.
*/
WALWRAP_API int walwrap_status(walwrap_handle *handle, char **json, char **error);

/*
** Any Other Request
**
** Sends one request of docs/api.md and sets *body to the body of its answer, whatever its status
** is: JSON, or for GET /metrics plain text. This is for what has no function of its own, such as
**
**    walwrap_request(w, "GET", "/v1/points", 30000, &body, &error)
**
** "method" is "GET" or "POST", and "target" is a path with a query, percent-encoded.
** "milliseconds" is how long the request itself says that walwrap may take.
**
** Returns WALWRAP_OK for an answer with the status 200, else the code that the answer stands for.
** In contrast to the other functions *body is set whenever there is an answer.
*/
WALWRAP_API int walwrap_request(
  walwrap_handle *handle,
  const char *method,
  const char *target,
  int milliseconds,
  char **body,
  char **error
);

/*
** End A Call Early
**
** While a call on this handle waits, "handler" is called with "context" at least every 100
** milliseconds, on the thread that has made the call. If it returns other than 0, the call ends
** with WALWRAP_INTERRUPTED. walwrap continues with what it was asked for.
**
** A NULL handler, which is the default, lets calls sleep without interruption. No other call may
** use the handle while the handler is being set.
*/
WALWRAP_API void walwrap_progress_handler(
  walwrap_handle *handle,
  int (*handler)(void *context),
  void *context
);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WALWRAP_H */
