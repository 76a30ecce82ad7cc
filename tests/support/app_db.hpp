// A database as an app uses it: plain SQLite connections, none of ours.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace walwrap::testing {

class AppDb {
 public:
  explicit AppDb(const std::filesystem::path& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("open");
    sqlite3_busy_timeout(handle_, 5000);
  }
  AppDb(const AppDb&) = delete;
  AppDb& operator=(const AppDb&) = delete;
  ~AppDb() { sqlite3_close(handle_); }

  int try_run(const std::string& sql) {
    return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  }
  void run(const std::string& sql) {
    if (try_run(sql) != SQLITE_OK) throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
  }
  // First column of all rows, with newlines between.
  std::string text(const std::string& sql) {
    std::string all;
    const auto row = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) +=
          values[0] == nullptr ? "NULL\n" : values[0] + std::string("\n");
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), row, &all, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
    }
    if (!all.empty()) all.pop_back();
    return all;
  }
  std::int64_t number(const std::string& sql) { return std::stoll(text(sql)); }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace walwrap::testing
