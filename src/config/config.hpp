// The final configuration: see config_parser.hpp. Values only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::config {

enum class OnDiverged { Refuse, UseReplica, UseLocal };
enum class Integrity { None, Quick, Full };
enum class BlockingCheckpoints { Auto, Never };
enum class KillApp { Deadline, Never };
enum class AfterHandover { Standby, Exit };
enum class Notify { Walwrap, App, Off };  // which process notifies a service manager

struct Database {
  std::string path;
  std::string replica;  // URL
  bool operator==(const Database&) const = default;
};

struct Config {
  std::vector<Database> databases;                         // empty: walwrap is an init only
  std::optional<std::chrono::milliseconds> grace;          // nullopt: by platform
  std::optional<std::chrono::milliseconds> app_grace;      // nullopt: what the flush leaves
  std::optional<std::chrono::milliseconds> start_timeout;  // nullopt: by platform
  std::chrono::milliseconds exit_flush_timeout{};
  bool take_over = false;  // from a walwrap that runs another command
  std::chrono::milliseconds handover_timeout{};
  AfterHandover after_handover = AfterHandover::Standby;
  std::chrono::milliseconds replicate_interval{};  // 0: by kind of store
  Integrity integrity = Integrity::Quick;
  OnDiverged on_diverged = OnDiverged::Refuse;
  bool allow_empty_replica = false;
  int flush_failed_code = 74;
  std::vector<int> ok_codes;      // after a requested stop they count as 0
  std::vector<int> stop_signals;  // begin a stop; the app gets the others
  std::map<int, int> rewrite;     // signal -> what the app gets instead; 0: nothing
  bool signal_group = false;      // the app's process group, not only its main process
  KillApp kill_app = KillApp::Deadline;
  int app_oom = 0;         // added to the app's oom_score_adj
  std::string user;        // of the app: "name", "uid:gid"; "": walwrap's
  bool scrub_env = false;  // the app does not get the store's credentials
  Notify notify = Notify::Walwrap;
  std::string ready_file;       // exists while the app runs; "": none
  std::optional<int> ready_fd;  // gets a newline when the app runs
  Bytes wal_limit = 0;          // above this much WAL, writers may be blocked
  BlockingCheckpoints blocking_checkpoints = BlockingCheckpoints::Auto;
  std::string socket;                           // of the API; "": beside the first database
  std::string listen;                           // "ADDRESS:PORT" of the API; "": only the socket
  Secret<std::string> listen_token;             // "": the listener is for this machine
  std::chrono::milliseconds health_max_lag{0};  // unhealthy after
  std::string ca_file;  // CA file; "": that of other programs' variables, or the system's
  LogFormat log_format = LogFormat::Logfmt;
  LogLevel log_level = LogLevel::Info;
};

// A larger number is probably a mistake in a generated file.
inline constexpr std::size_t kMaxDatabases = 64;

using Environment = std::map<std::string, std::string, std::less<>>;

struct FlagValue {
  std::string flag;   // "--grace"
  std::string value;  // "" for a switch
  bool operator==(const FlagValue&) const = default;
};

}  // namespace walwrap::config
