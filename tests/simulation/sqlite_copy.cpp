#include "tests/simulation/sqlite_copy.hpp"

#include <array>

#include "tests/simulation/kernel.hpp"

#define WALWRAP_COPY(prefix)                                                                      \
  extern "C" {                                                                                    \
  decltype(sqlite3_open_v2) prefix##sqlite3_open_v2;                                              \
  decltype(sqlite3_close_v2) prefix##sqlite3_close_v2;                                            \
  decltype(sqlite3_exec) prefix##sqlite3_exec;                                                    \
  decltype(sqlite3_busy_handler) prefix##sqlite3_busy_handler;                                    \
  decltype(sqlite3_errmsg) prefix##sqlite3_errmsg;                                                \
  decltype(sqlite3_extended_errcode) prefix##sqlite3_extended_errcode;                            \
  decltype(sqlite3_wal_checkpoint_v2) prefix##sqlite3_wal_checkpoint_v2;                          \
  decltype(sqlite3_get_autocommit) prefix##sqlite3_get_autocommit;                                \
  decltype(sqlite3_txn_state) prefix##sqlite3_txn_state;                                          \
  decltype(sqlite3_vfs_find) prefix##sqlite3_vfs_find;                                            \
  decltype(sqlite3_randomness) prefix##sqlite3_randomness;                                        \
  }                                                                                               \
  static const walwrap::simulation::SqliteCopy prefix##copy = {prefix##sqlite3_open_v2,           \
                                                               prefix##sqlite3_close_v2,          \
                                                               prefix##sqlite3_exec,              \
                                                               prefix##sqlite3_busy_handler,      \
                                                               prefix##sqlite3_errmsg,            \
                                                               prefix##sqlite3_extended_errcode,  \
                                                               prefix##sqlite3_wal_checkpoint_v2, \
                                                               prefix##sqlite3_get_autocommit,    \
                                                               prefix##sqlite3_txn_state,         \
                                                               prefix##sqlite3_vfs_find,          \
                                                               prefix##sqlite3_randomness}

WALWRAP_COPY(app0_);
WALWRAP_COPY(app1_);
WALWRAP_COPY(app2_);
WALWRAP_COPY();

namespace walwrap::simulation {
namespace {

int random_bytes(sqlite3_vfs* /*vfs*/, int count, char* bytes) {
  Kernel* kernel = Kernel::current();
  for (int i = 0; i < count; ++i) {
    bytes[i] = kernel == nullptr ? '\1' : static_cast<char>(kernel->random());
  }
  return count;
}

}  // namespace

const SqliteCopy& sqlite_copy(int number) {
  constexpr std::array<const SqliteCopy*, kCopies> kAll = {&app0_copy, &app1_copy, &app2_copy};
  return *kAll.at(static_cast<std::size_t>(number));
}

const SqliteCopy& sqlite_of_walwrap() {
  return copy;
}

void seed_sqlite(const SqliteCopy& copy) {
  // The file systems that a copy offers differ in their locks only.
  copy.find_vfs("unix")->xRandomness = random_bytes;
  copy.randomness(0, nullptr);
}

}  // namespace walwrap::simulation
