#include "walwrap/sqlite/connection.hpp"

#include "walwrap/base/check.hpp"
#include "walwrap/sqlite/read_ahead.hpp"

namespace walwrap::sqlite {
namespace {

Code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Code::Busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::Corrupt;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Code::Denied;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
      return Code::Unavailable;
    case SQLITE_CANTOPEN:
      return Code::NotFound;
    case SQLITE_INTERRUPT:
      return Code::Cancelled;
    default:
      return Code::Io;
  }
}

// A path as a URI: characters with a meaning in a URI are escaped.
std::string immutable_uri(const os::Path& path) {
  std::string uri = "file:";
  for (const char c : path.string()) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

// Prepares the statement and steps to its first row.
Result<Statement> first_row(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle, sql.c_str(), -1, &raw, nullptr);
  Statement statement(raw);
  if (code != SQLITE_OK) return sqlite_failure(handle, code, sql);
  code = sqlite3_step(raw);
  if (code == SQLITE_DONE) return fail(Code::NotFound, "{}: no row", sql);
  if (code != SQLITE_ROW) return sqlite_failure(handle, code, sql);
  return statement;
}

}  // namespace

Failure sqlite_failure(sqlite3* handle, int code, std::string_view what) {
  const char* text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  return fail(code_of(code), "{}: {} (SQLite code {})", what, text, code);
}

Result<Connection> Connection::open(const os::Path& path, const Options& options) {
  const bool immutable = options.mode == Mode::Immutable;
  const std::string name = immutable ? immutable_uri(path) : path.string();
  const int access = immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(name.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      immutable ? register_read_ahead() : options.vfs);
  Connection connection(raw);
  if (code != SQLITE_OK) return sqlite_failure(raw, code, "open " + path.string());
  sqlite3_busy_timeout(raw, static_cast<int>(options.busy_timeout.count()));
  return connection;
}

void Connection::set_cancel(std::function<bool()> cancelled) {
  // Some microseconds of SQLite's work between two calls of the callback.
  constexpr int kInstructions = 10'000;
  const auto ask = [](void* function) -> int {
    return (*static_cast<std::function<bool()>*>(function))() ? 1 : 0;
  };
  sqlite3_progress_handler(handle(), 0, nullptr, nullptr);
  cancelled_.reset();
  if (!cancelled) return;
  cancelled_ = std::make_unique<std::function<bool()>>(std::move(cancelled));
  sqlite3_progress_handler(handle(), kInstructions, ask, cancelled_.get());
}

Result<void> Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_failure(handle(), code, sql);
  return {};
}

Result<std::string> Connection::query_text(const std::string& sql) {
  const auto statement = TRY(first_row(handle(), sql));
  const auto* text = sqlite3_column_text(statement.get(), 0);
  return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
}

Result<std::int64_t> Connection::query_integer(const std::string& sql) {
  const auto statement = TRY(first_row(handle(), sql));
  return std::int64_t{sqlite3_column_int64(statement.get(), 0)};
}

sqlite3_file* Connection::file() const {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  WW_CHECK(file != nullptr);
  return file;
}

void Connection::set_wal_on_close(WalOnClose what) {
  const int keep = what == WalOnClose::Keep ? 1 : 0;
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, nullptr);
}

}  // namespace walwrap::sqlite
