// An app of a simulated world: connections of its own copy of SQLite, and the habits of real apps.
//
// Each commit is a state of the oracle. What an app reads is compared with it, and an error that
// SQLite alone would not have returned is wrong. One table, t(id, v); row 0 is different in each
// state, so that no two are alike.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <optional>
#include <string>

#include "tests/simulation/scene.hpp"
#include "tests/simulation/sqlite_copy.hpp"
#include "tests/simulation/step.hpp"

namespace walwrap::simulation {

class App {
 public:
  App(Scene& scene, Host& host, int number)
      : scene_(scene), host_(host), number_(number), sqlite_(sqlite_copy(number - 1)) {}
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App() { end(); }

  Host& host() { return host_; }
  const Host& host() const { return host_; }
  int pid() const { return host_.pid_of_app(number_); }
  bool is_open() const { return main_ != nullptr; }
  bool is_writing() const { return pending_.has_value() || is_busy(); }
  bool is_reading() const { return read_.has_value(); }
  // A call of its copy of SQLite has not returned.
  bool is_busy() const { return calls_ > 0; }

  // Busy: it has to wait for somebody who is in the middle of a turn, and is to be tried again.
  enum class Done { Yes, Busy };
  Done perform(const Step& step);
  void close();
  void kill() { scene_.kernel.kill(pid()); }
  // After it was killed, or at the end of the world: no call of it has an effect.
  void end();

 private:
  // Its process makes calls while it exists.
  class Call {
   public:
    explicit Call(App& app) : app_(app), process_(app.pid()) { ++app_.calls_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { --app_.calls_; }

   private:
    App& app_;
    Kernel::As process_;
  };
  using Change = std::function<void(Rows&)>;
  void open();
  Done write(const Change& change);
  Done commit();
  Done begin();
  Done once(const Step& step);
  void start_reading();
  void stop_reading();
  Done checkpoint(int mode);
  void change_journal(bool is_wal);
  void backup();
  int run(sqlite3* handle, const std::string& sql, std::string* text = nullptr);
  std::string read_rows(sqlite3* handle);
  bool has_defect() const;
  Done judge(int code, std::string_view what);
  static int on_busy(void* self, int count);
  static Change change_of(const Step& step, int seed);
  static std::string difference(const Rows& from, const Rows& to);
  void note_commit(StateId state);

  Scene& scene_;
  Host& host_;
  int number_;
  const SqliteCopy& sqlite_;
  sqlite3* main_ = nullptr;
  sqlite3* reader_ = nullptr;
  std::optional<Rows> pending_;      // of the transaction that is open
  std::optional<std::string> read_;  // what the reader began with
  bool is_full_ = false;             // synchronous=FULL
  int defects_before_ = 0;           // of this step
  int calls_ = 0;                    // that have not returned
  bool is_nested_ = false;           // nobody else could have a turn: a BUSY says nothing
};

}  // namespace walwrap::simulation
