#include "tests/simulation/app.hpp"

#include <algorithm>

namespace walwrap::simulation {
namespace {

constexpr std::chrono::milliseconds kBusyStep{2};
constexpr int kBusySteps = 400;  // patience of an app with a usual busy timeout

int primary(int code) {
  return code & 0xff;
}

}  // namespace

int App::on_busy(void* self, int count) {
  auto& app = *static_cast<App*>(self);
  if (count >= kBusySteps || app.scene_.kernel.is_dead(app.pid())) return 0;
  app.scene_.kernel.advance(kBusyStep);
  const bool is_inner = app.scene_.is_inside_an_app(app.host_, app.number_);
  if (!is_inner && app.scene_.let_others_run(app.host_)) return 1;
  app.is_nested_ = true;
  return 0;
}

int App::run(sqlite3* handle, const std::string& sql, std::string* text) {
  const auto row = [](void* to, int, char** values, char**) {
    if (to == nullptr) return 0;
    *static_cast<std::string*>(to) += values[0] == nullptr ? "" : values[0] + std::string("\n");
    return 0;
  };
  const Call call(*this);
  const int code = sqlite_.exec(handle, sql.c_str(), row, text, nullptr);
  return code == SQLITE_OK ? code : sqlite_.code(handle);
}

std::string App::read_rows(sqlite3* handle) {
  std::string text;
  const int code = run(handle, "SELECT id || ' ' || v FROM t ORDER BY id", &text);
  if (code == SQLITE_OK) return text;
  const std::string message = sqlite_.message(handle);
  if (message.starts_with("no such table")) return "";
  return "!" + message;
}

App::Done App::judge(int code, std::string_view what) {
  if (code == SQLITE_OK || scene_.kernel.is_dead(pid()) || has_defect()) return Done::Yes;
  const bool is_busy = primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED;
  const bool is_nested = std::exchange(is_nested_, false) || scene_.is_nested();
  // Whoever it waits for cannot go on before this call returns, so that SQLite has given up.
  if (is_nested && (is_busy || primary(code) == SQLITE_PROTOCOL)) return Done::Busy;
  if (is_busy && scene_.is_kept_by_apps(host_, number_)) return Done::Yes;
  scene_.note(fmt::format("  app{} {}: {}", number_, what, code));
  scene_.fail(fmt::format("app{} {}: {} ({})", number_, what, sqlite_.message(main_), code));
  return Done::Yes;
}

// A call of its own process has failed in this step, or its files are not what they were: the error
// is its own.
bool App::has_defect() const {
  return host_.is_wild || scene_.kernel.defects_of(pid()) != defects_before_;
}

App::Done App::perform(const Step& step) {
  is_nested_ = false;
  defects_before_ = scene_.kernel.defects_of(pid());
  if (step.verb == Verb::Open) {
    if (!is_open() && host_.is_up) open();
    return Done::Yes;
  }
  if (step.verb == Verb::Once) return host_.is_up ? once(step) : Done::Yes;
  if (!is_open()) return Done::Yes;
  switch (step.verb) {
    case Verb::Close:
      close();
      return Done::Yes;
    case Verb::Insert:
    case Verb::Update:
    case Verb::Delete:
      return write(change_of(step, ++scene_.commits));
    case Verb::Begin:
      return pending_ ? Done::Yes : begin();
    case Verb::Commit:
      return pending_ ? commit() : Done::Yes;
    case Verb::Rollback:
      if (pending_) judge(run(main_, "ROLLBACK"), "rollback");
      pending_.reset();
      return Done::Yes;
    case Verb::Vacuum:
      return pending_ ? Done::Yes : judge(run(main_, "VACUUM"), "vacuum");
    case Verb::Checkpoint:
      return checkpoint(step.first);
    case Verb::Read:
      start_reading();
      return Done::Yes;
    case Verb::EndRead:
      stop_reading();
      return Done::Yes;
    case Verb::Journal:
      if (!pending_ && !read_) change_journal(step.first != 0);
      return Done::Yes;
    case Verb::Sync:
      if (pending_) return Done::Yes;
      is_full_ = step.first != 0;
      return judge(run(main_, is_full_ ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"),
                   "sync");
    case Verb::Autocheckpoint:
      return judge(run(main_, fmt::format("PRAGMA wal_autocheckpoint={}", step.first)),
                   "autocheckpoint");
    case Verb::Backup:
      if (!pending_) backup();
      return Done::Yes;
    default:
      return Done::Yes;
  }
}

void App::open() {
  for (sqlite3** handle : {&main_, &reader_}) {
    const Call call(*this);
    const int code = sqlite_.open(host_.database.c_str(), handle,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    if (code != SQLITE_OK) judge(code, "open");
    sqlite_.set_busy_handler(*handle, on_busy, this);
  }
  is_full_ = false;
  const auto page = fmt::format(
      "PRAGMA page_size={}; PRAGMA journal_mode=WAL; "
      "PRAGMA synchronous=NORMAL",
      scene_.page_size);
  const bool was_there = std::filesystem::exists(host_.database);
  int code = run(main_, page);
  if (code == SQLITE_OK) {
    code = run(main_, "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v)");
  }
  // It is opened another time.
  if (judge(code, was_there ? "open" : "create") == Done::Busy) return close();
  if (scene_.kernel.is_dead(pid())) return;
  if (code != SQLITE_OK) return close();
  const StateId before = host_.state;
  const auto text = read_rows(main_);
  if (scene_.kernel.is_dead(pid())) return;
  const bool is_excused = is_nested_ || scene_.is_nested() || has_defect();
  if (text.starts_with("!") && is_excused) return close();
  // SQLite opens for reading only what it fails to open for writing: such an app begins again.
  if (has_defect() && !host_.is_wild) return close();
  scene_.check_rows(host_, text, fmt::format("app{}", number_), before);
  host_.was_killed = false;
}

void App::close() {
  stop_reading();
  pending_.reset();
  for (sqlite3** handle : {&reader_, &main_}) {
    const Call call(*this);
    if (*handle != nullptr) sqlite_.close(*handle);
    *handle = nullptr;
  }
}

void App::end() {
  if (!is_open()) return;
  scene_.kernel.kill(pid());
  host_.was_killed = true;
  read_.reset();
  close();
  scene_.kernel.bury(pid());
}

// SQL that makes one state of the other.
std::string App::difference(const Rows& from, const Rows& to) {
  std::string sql;
  for (const auto& [id, value] : from) {
    if (!to.contains(id)) sql += fmt::format("DELETE FROM t WHERE id={};", id);
  }
  for (const auto& [id, value] : to) {
    const auto old = from.find(id);
    if (old != from.end() && old->second == value) continue;
    sql += fmt::format("INSERT OR REPLACE INTO t VALUES({},'{}');", id, value);
  }
  return sql;
}

App::Change App::change_of(const Step& step, int seed) {
  return [step, seed](Rows& rows) {
    rows[0] = fmt::format("commit {}", seed);
    const auto value = [&](int id) {
      std::string text = fmt::format("{}.{}.", seed, id);
      while (text.size() < static_cast<std::size_t>(step.second)) {
        text += fmt::format("{:x}", (seed * 2654435761U + text.size() * 40503U) % 65536U);
      }
      return text;
    };
    if (step.verb == Verb::Insert || step.verb == Verb::Once) {
      for (int i = 0; i < step.first; ++i) {
        const int id = rows.rbegin()->first + 1;
        rows[id] = value(id);
      }
      return;
    }
    int left = step.first;
    for (auto row = rows.upper_bound(0); row != rows.end() && left > 0; --left) {
      if (step.verb == Verb::Update) row->second = value(row->first);
      row = step.verb == Verb::Delete ? rows.erase(row) : std::next(row);
    }
  };
}

App::Done App::begin() {
  const int code = run(main_, "BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return judge(code, "begin");
  // From here on nobody else commits. Somebody who was killed in the middle of a commit, or is in
  // the middle of one that is visible already, has committed or not.
  if (!host_.in_flight.empty() || !host_.is_sure) {
    const auto text = read_rows(main_);
    if (text.starts_with("!") && has_defect()) {
      run(main_, "ROLLBACK");
      return Done::Yes;
    }
    scene_.check_rows(host_, text, fmt::format("app{}", number_));
    host_.in_flight.clear();
  }
  pending_ = scene_.oracle.rows(host_.state);
  return Done::Yes;
}

App::Done App::write(const Change& change) {
  const bool is_own = !pending_;
  if (is_own) {
    const Done begun = begin();
    if (!pending_) return begun;
  }
  Rows rows = *pending_;
  change(rows);
  const int code = run(main_, difference(*pending_, rows));
  if (code != SQLITE_OK) {
    run(main_, "ROLLBACK");
    pending_.reset();
    return judge(code, "write");
  }
  pending_ = std::move(rows);
  return is_own ? commit() : Done::Yes;
}

App::Done App::commit() {
  const StateId state = scene_.oracle.add(host_.state, *pending_);
  host_.in_flight.push_back(state);
  const int code = run(main_, "COMMIT");
  pending_.reset();
  if (code == SQLITE_OK && !scene_.kernel.is_dead(pid())) {
    note_commit(state);
    return Done::Yes;
  }
  if (scene_.kernel.is_dead(pid())) return Done::Yes;  // it may have committed
  run(main_, "ROLLBACK");
  // What was written of it may still be found, until the next commit is in its place.
  if (!has_defect()) std::erase(host_.in_flight, state);
  // Its own readers and those of others do not keep a commit from succeeding in WAL mode.
  return judge(code, "commit");
}

void App::note_commit(StateId state) {
  std::erase(host_.in_flight, state);
  if (is_full_) host_.durable = state;
  // Another one may have found it, and gone on from there.
  if (!scene_.oracle.descends(host_.state, state)) host_.state = state;
}

App::Done App::once(const Step& step) {
  App command(scene_, host_, number_);
  command.defects_before_ = defects_before_;
  if (is_open()) return Done::Yes;  // as one process it would close the other's locks
  command.open();
  const Done done =
      command.is_open() ? command.write(change_of(step, ++scene_.commits)) : Done::Yes;
  if (!scene_.kernel.is_dead(pid())) command.close();
  return done;
}

App::Done App::checkpoint(int mode) {
  int in_log = 0;
  int done = 0;
  const Call call(*this);
  const int code = sqlite_.checkpoint(main_, nullptr, mode, &in_log, &done);
  const bool is_usual = primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED;
  is_nested_ = false;
  return is_usual ? Done::Yes : judge(code, "checkpoint");
}

void App::start_reading() {
  if (read_) return;
  if (run(reader_, "BEGIN") != SQLITE_OK) return;
  const StateId before = host_.state;
  const auto text = read_rows(reader_);
  if (scene_.kernel.is_dead(pid())) return;
  if (text.starts_with("!") && has_defect()) {
    run(reader_, "ROLLBACK");
    return;
  }
  read_ = text;
  if (!pending_ && host_.in_flight.empty()) {
    scene_.check_rows(host_, text, fmt::format("reader of app{}", number_), before);
  }
}

void App::stop_reading() {
  if (!read_) return;
  const auto before = *std::exchange(read_, std::nullopt);
  const auto text = read_rows(reader_);
  if (scene_.kernel.is_dead(pid())) return;
  if (text != before && !has_defect()) {
    scene_.fail(fmt::format("app{}: a transaction reads other rows than before", number_));
  }
  run(reader_, "COMMIT");
}

// An attached walwrap keeps the database in WAL mode, as any other connection would.
void App::change_journal(bool is_wal) {
  // A connection of SQLite 3.40 that leaves WAL mode without a read keeps pages in its cache that
  // another process has changed since, with or without walwrap.
  read_rows(main_);
  const int code = run(main_, is_wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
  const bool is_usual = primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED;
  is_nested_ = false;
  if (!is_usual) judge(code, "journal mode");
}

void App::backup() {
  const auto path = host_.directory.string() + "-backup";
  std::filesystem::remove(path);
  const auto text = read_rows(main_);
  if (run(main_, "VACUUM INTO '" + path + "'") != SQLITE_OK) return;
  host_.backup = scene_.oracle.find(text, {});
}

}  // namespace walwrap::simulation
