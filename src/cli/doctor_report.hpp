// What `walwrap doctor` found, as sentences: facts in, findings out. Pure.
//
// One finding per line; a problem has a hint. A Note is useful to know and harmless.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/supervisor/platform.hpp"

namespace walwrap::cli {

enum class FindingLevel { Ok, Note, Problem };

struct Finding {
  FindingLevel level = FindingLevel::Ok;
  std::string subject;  // "platform", "disk", "database", "store", ...
  std::string message;
  std::string hint;  // what to type or to do; "": nothing
};

std::vector<Finding> findings_of(const supervisor::Platform& host);

struct DiskFinding {
  std::string directory;   // of the database
  std::string filesystem;  // as os::filesystem_name; "": the directory does not exist
  std::optional<Bytes> free;
  std::optional<Error> error = {};  // no file can be created in it
};
std::vector<Finding> findings_of(const DiskFinding& disk);

struct DatabaseFinding {
  std::string path;
  std::optional<Error> error;  // it cannot be read; NotFound: it does not exist
  std::string header;          // its first 100 bytes, or fewer
  Bytes size = 0;
  Bytes wal_size = 0;
};
std::vector<Finding> findings_of(const DatabaseFinding& database);

struct NamesFinding {  // how the path leads to the database's file
  std::string path;
  std::uint64_t names = 1;  // hard links
  bool is_mounted = false;  // as a file, without its directory
};
std::vector<Finding> findings_of(const NamesFinding& names);

struct PlaceFinding {  // a replica in a directory
  std::string directory;
  bool exists = false;
  bool parent_exists = false;
  std::string filesystem;
  bool shares_disk = false;  // with the database
  bool dies_with_container = false;
  std::optional<Error> error = {};  // it does not exist and cannot be created
};
std::vector<Finding> findings_of(const PlaceFinding& place);

struct BucketFinding {
  std::string provider;
  std::string host;     // as configured
  std::string address;  // the address that answered; "": none
  std::string tls;      // "TLSv1.3"; "": plain
  bool is_http2 = false;
  bool is_local = false;
  std::string credentials;  // "": none found
  std::optional<std::chrono::milliseconds> clock_offset;
  std::optional<Error> error;  // why it cannot be listed
};
std::vector<Finding> findings_of(const BucketFinding& bucket);

struct RightsFinding {
  struct Step {
    std::string_view name;  // "list", "put", ...
    std::optional<Error> error;
  };
  std::vector<Step> steps;
  std::optional<bool> create_only;
};
std::vector<Finding> findings_of(const RightsFinding& rights);

struct CostFinding {
  std::string provider;
  std::string region = {};
  std::chrono::milliseconds interval{1'000};  // between uploads while the app writes
  Bytes database_size = 0;
};
std::vector<Finding> findings_of(const CostFinding& cost);

bool is_well(const std::vector<Finding>& findings);  // no problem in it
std::string format_findings(const std::vector<Finding>& findings);
// {"version":1,"ok":true,"findings":[
//   {"level":"ok","subject":"platform","message":"...","hint":""}]}
std::string format_findings_json(const std::vector<Finding>& findings);

}  // namespace walwrap::cli
