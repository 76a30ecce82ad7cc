// The app of the benchmarks: one connection that commits one row at a time.
//
//   writer DB SECONDS NORMAL|FULL BODY_BYTES [COMMITS_PER_SECOND]
//
// Prints one JSON object: commits, seconds, and the latency of a commit in microseconds (the whole
// INSERT in autocommit mode, as an app sees it). Owns nothing of walwrap: it links SQLite alone.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

[[noreturn]] void die(sqlite3* db, const char* what) {
  std::fprintf(stderr, "writer: %s: %s\n", what, sqlite3_errmsg(db));
  std::exit(1);
}

void run_sql(sqlite3* db, const std::string& sql) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) die(db, sql.c_str());
}

sqlite3* open_database(const char* path, const std::string& synchronous) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path, &db) != SQLITE_OK) die(db, path);
  sqlite3_busy_timeout(db, 5000);
  run_sql(db, "pragma journal_mode = wal");
  run_sql(db, "pragma synchronous = " + synchronous);
  run_sql(db, "create table if not exists bench(id integer primary key, body blob)");
  return db;
}

double microseconds_at(const std::vector<std::uint64_t>& sorted_ns, double share) {
  if (sorted_ns.empty()) return 0;
  const auto last = static_cast<double>(sorted_ns.size() - 1);
  return static_cast<double>(sorted_ns[static_cast<std::size_t>(share * last)]) / 1000.0;
}

void print_result(std::vector<std::uint64_t> latencies, double seconds) {
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "{\"commits\": %zu, \"seconds\": %.3f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
      "\"p999_us\": %.1f, \"max_us\": %.1f}\n",
      latencies.size(), seconds, microseconds_at(latencies, 0.5), microseconds_at(latencies, 0.99),
      microseconds_at(latencies, 0.999), microseconds_at(latencies, 1.0));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: writer DB SECONDS NORMAL|FULL BODY_BYTES [COMMITS_PER_SECOND]\n");
    return 2;
  }
  sqlite3* db = open_database(argv[1], argv[3]);
  const std::string sql =
      "insert into bench(body) values(randomblob(" + std::to_string(std::atoi(argv[4])) + "))";
  sqlite3_stmt* insert = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &insert, nullptr) != SQLITE_OK) die(db, "prepare");

  const double rate = argc > 5 ? std::atof(argv[5]) : 0;
  const auto started = Clock::now();
  const auto ends =
      started + std::chrono::duration_cast<Clock::duration>(Seconds(std::atof(argv[2])));
  std::vector<std::uint64_t> latencies;
  latencies.reserve(4'000'000);
  auto before = Clock::now();
  while (before < ends) {
    if (sqlite3_step(insert) != SQLITE_DONE) die(db, "insert");
    if (sqlite3_reset(insert) != SQLITE_OK) die(db, "commit");
    const auto after = Clock::now();
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(after - before);
    latencies.push_back(static_cast<std::uint64_t>(took.count()));
    before = after;
    if (rate > 0) {
      const Seconds due(static_cast<double>(latencies.size()) / rate);
      std::this_thread::sleep_until(started + std::chrono::duration_cast<Clock::duration>(due));
      before = Clock::now();
    }
  }
  print_result(std::move(latencies), Seconds(Clock::now() - started).count());
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return 0;
}
