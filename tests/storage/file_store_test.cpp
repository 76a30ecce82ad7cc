#include "walwrap/storage/file_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/forbidden_calls.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::storage;
namespace fs = std::filesystem;

namespace {

const PutOptions kCreate{.mode = PutMode::CreateOnly, .timestamp = std::nullopt};
const PutOptions kReplace{.mode = PutMode::Replace, .timestamp = std::nullopt};

std::unique_ptr<FileStore> open(const fs::path& root) {
  auto store = FileStore::open(root, Access::Create);
  REQUIRE_MESSAGE(store.has_value(), store.error().text);
  return std::move(store).value();
}

void put(FileStore& store, const std::string& key, const std::string& text,
         const PutOptions& options = kCreate) {
  const auto done = store.put(key, body_of(as_bytes(text)), options);
  REQUIRE_MESSAGE(done.has_value(), done.error().text);
}

std::string get(FileStore& store, const std::string& key, ByteRange range = {}) {
  std::string text;
  const auto done = store.get(key, range, [&](ByteSpan bytes) -> Result<void> {
    text += as_text(bytes);
    return {};
  });
  REQUIRE_MESSAGE(done.has_value(), done.error().text);
  return text;
}

Result<void> discard(ByteSpan /*bytes*/) {
  return {};
}

std::string keys(FileStore& store, const std::string& prefix, const std::string& after = "") {
  const auto found = store.list(prefix, after);
  REQUIRE_MESSAGE(found.has_value(), found.error().text);
  std::string text;
  for (const ObjectInfo& info : *found) text += (text.empty() ? "" : " ") + info.key;
  return text;
}

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// Root may read everything; so as somebody else, who owns the directory.
class Unprivileged {
 public:
  explicit Unprivileged(const fs::path& owned) {
    if (::geteuid() != 0) return;
    REQUIRE(::chown(owned.c_str(), kNobody, kNobody) == 0);
    REQUIRE(::seteuid(kNobody) == 0);
    is_changed_ = true;
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() {
    if (is_changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  static constexpr uid_t kNobody = 65534;
  bool is_changed_ = false;
};

}  // namespace

TEST_CASE("a stored object is read, listed and removed under its key") {
  const testing::TempDir dir;
  const auto store = open(dir / "replica");
  put(*store, "ltx/0/a", "hello world");
  put(*store, "walwrap/identity.json", "{}");
  CHECK(get(*store, "ltx/0/a") == "hello world");
  CHECK(store->head("ltx/0/a")->size == 11);
  CHECK(keys(*store, "") == "ltx/0/a walwrap/identity.json");

  // Another instance, as another thread or the next start has it, sees the same.
  const auto other = open(dir / "replica");
  CHECK(get(*other, "ltx/0/a") == "hello world");
  CHECK(other->remove("ltx/0/a").has_value());
  CHECK(keys(*store, "") == "walwrap/identity.json");
  CHECK(store->remove("ltx/0/a").has_value());  // of an absent object: fine
  CHECK(store->head("ltx/0/a").error().code == Code::NotFound);
  CHECK(store->get("ltx/0/a", {}, discard).error().code == Code::NotFound);
}

TEST_CASE("an object may be empty, small or large, and arrive in pieces of any size") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  struct Row {
    std::string key;
    std::size_t piece, pieces;
  };
  const Row rows[] = {{"none", 0, 1},        {"one", 1, 1},           {"small", 100, 10'000},
                      {"chunk", 262'144, 1}, {"large", 1'000'000, 3}, {"mixed", 200'000, 5}};
  for (const Row& row : rows) {
    CAPTURE(row.key);
    std::string expected;
    const Body body = [&](const WriteFn& sink) -> Result<void> {
      for (std::size_t i = 0; i < row.pieces; ++i) {
        const std::string piece(row.piece, static_cast<char>('a' + i % 26));
        expected += piece;
        TRY(sink(as_bytes(piece)));
      }
      return {};
    };
    REQUIRE(store->put(row.key, body, kCreate).has_value());
    CHECK(get(*store, row.key) == expected);
    CHECK(store->head(row.key)->size == expected.size());
  }
}

TEST_CASE("a create-only put never overwrites, and a replacing put does") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  put(*store, "k", "first");
  const auto second = store->put("k", body_of(as_bytes("second")), kCreate);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Code::Exists);
  CHECK(get(*store, "k") == "first");
  put(*store, "k", "third", kReplace);
  CHECK(get(*store, "k") == "third");
  CHECK(names_in(dir.path()) == std::vector<std::string>{"k"});
}

TEST_CASE("one of two concurrent create-only puts succeeds with its whole object") {
  const testing::TempDir dir;
  constexpr int kRounds = 50;
  std::atomic<int> ready = 0;
  std::vector<int> won[2] = {std::vector<int>(kRounds), std::vector<int>(kRounds)};
  const auto race = [&](int writer) {
    auto store = FileStore::open(dir.path(), Access::Create);
    if (!store) return;
    const std::string text(5000, static_cast<char>('A' + writer));
    for (int round = 0; round < kRounds; ++round) {
      ++ready;
      while (ready < 2 * (round + 1)) std::this_thread::yield();
      const auto done =
          (*store)->put("ltx/0/" + std::to_string(round), body_of(as_bytes(text)), kCreate);
      const bool is_exists = !done && done.error().code == Code::Exists;
      won[writer][static_cast<std::size_t>(round)] = done ? 1 : (is_exists ? 0 : -100);
    }
  };
  std::thread first(race, 0);
  std::thread second(race, 1);
  first.join();
  second.join();
  const auto store = open(dir.path());
  for (int round = 0; round < kRounds; ++round) {
    const auto i = static_cast<std::size_t>(round);
    CAPTURE(round);
    CHECK(won[0][i] + won[1][i] == 1);
    CHECK(get(*store, "ltx/0/" + std::to_string(round)) ==
          std::string(5000, won[0][i] == 1 ? 'A' : 'B'));
  }
  CHECK(names_in(dir / "ltx/0").size() == kRounds);
}

TEST_CASE("a listing shows the time given with a put") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  const WallTime time{std::chrono::milliseconds(1'700'000'000'123)};
  put(*store, "a", "x", {.mode = PutMode::CreateOnly, .timestamp = time});
  put(*store, "b", "x", {.mode = PutMode::Replace, .timestamp = time});
  put(*store, "c", "x");
  CHECK(store->head("a")->modified == time);
  CHECK(store->head("b")->modified == time);
  const auto listed = store->list("", "");
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 3);
  CHECK((*listed)[0].modified == time);
  CHECK((*listed)[2].modified > time);
}

TEST_CASE("a failed put leaves no file") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  const Body broken = [](const WriteFn& sink) -> Result<void> {
    TRY(sink(as_bytes(std::string(400'000, 'x'))));
    return fail(Code::Mismatch, "the snapshot ended");
  };
  const auto done = store->put("ltx/0/a", broken, kCreate);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Mismatch);  // the caller's own error, unchanged
  CHECK(names_in(dir / "ltx/0").empty());
}

TEST_CASE("range reads give exactly their bytes, and an object that is too short is corrupt") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  put(*store, "k", "0123456789");
  CHECK(get(*store, "k", {0, 0}) == "0123456789");
  CHECK(get(*store, "k", {3, 0}) == "3456789");
  CHECK(get(*store, "k", {3, 4}) == "3456");
  CHECK(get(*store, "k", {9, 1}) == "9");
  CHECK(get(*store, "k", {10, 0}).empty());
  for (const ByteRange range : {ByteRange{0, 11}, {9, 2}, {10, 1}, {11, 0}, {2, ~0ULL}}) {
    CAPTURE(range.offset);
    const auto short_of = store->get("k", range, discard);
    REQUIRE_FALSE(short_of.has_value());
    CHECK(short_of.error().code == Code::Corrupt);
  }
  const auto stopped =
      store->get("k", {}, [](ByteSpan) -> Result<void> { return fail(Code::Cancelled, "enough"); });
  CHECK(stopped.error().code == Code::Cancelled);
}

TEST_CASE("a listing is in byte order, by prefix, and starts after a key") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  for (const std::string key : {"ltx/0/02", "ltx/0/01", "ltx/0/03", "ltx/1/01", "ltx/9/05",
                                "walwrap/claim/1", "walwrap/identity.json", "ltx.txt", "ltx-x/y"}) {
    put(*store, key, "x");
  }
  struct Row {
    std::string prefix, after, found;
  };
  const Row rows[] = {
      {"", "",
       "ltx-x/y ltx.txt ltx/0/01 ltx/0/02 ltx/0/03 ltx/1/01 ltx/9/05 walwrap/claim/1 "
       "walwrap/identity.json"},
      {"ltx/0/", "", "ltx/0/01 ltx/0/02 ltx/0/03"},
      {"ltx/0/", "ltx/0/01", "ltx/0/02 ltx/0/03"},
      {"ltx/0/", "ltx/0/015", "ltx/0/02 ltx/0/03"},
      {"ltx/0/", "ltx/0/03", ""},
      {"ltx/0/0", "", "ltx/0/01 ltx/0/02 ltx/0/03"},
      {"ltx/0/02", "", "ltx/0/02"},
      {"ltx/0", "", "ltx/0/01 ltx/0/02 ltx/0/03"},
      {"ltx", "", "ltx-x/y ltx.txt ltx/0/01 ltx/0/02 ltx/0/03 ltx/1/01 ltx/9/05"},
      {"ltx/", "ltx/0/02", "ltx/0/03 ltx/1/01 ltx/9/05"},
      {"", "ltx/1", "ltx/1/01 ltx/9/05 walwrap/claim/1 walwrap/identity.json"},
      {"", "ltx/9/05", "walwrap/claim/1 walwrap/identity.json"},
      {"", "x", ""},
      {"ltx/7/", "", ""},
      {"no/such/place/", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prefix);
    CAPTURE(row.after);
    CHECK(keys(*store, row.prefix, row.after) == row.found);
  }
}

TEST_CASE("a listing leaves out temporary files, dot files and lost+found") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  put(*store, "ltx/0/a", "x");
  write_file(dir / "ltx/0/b.tmp-0123456789abcdef", "half");
  write_file(dir / "ltx/0/.nfs0001", "x");
  write_file(dir / ".Trash/x", "x");
  write_file(dir / "lost+found/x", "x");
  fs::create_symlink("nowhere", dir / "dangling");
  CHECK(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(keys(*store, "") == "ltx/0/a");
  CHECK(store->head("pipe").error().code == Code::NotFound);
  CHECK(store->get("pipe", {}, discard).error().code == Code::NotFound);
  CHECK(store->get("ltx/0", {}, discard).error().code == Code::NotFound);
}

TEST_CASE("a loop of symbolic links ends a listing with an error") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  fs::create_directory_symlink("..", dir / "up");
  fs::create_directory_symlink(".", dir / "loop");
  const auto listed = store->list("", "");
  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().code == Code::Invalid);
}

TEST_CASE("a key that leaves the root or could not be listed is refused") {
  const testing::TempDir dir;
  const auto store = open(dir / "replica");
  for (const std::string key : {"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".a",
                                "a/.b", "a.tmp-1", "lost+found/a"}) {
    CAPTURE(key);
    CHECK(store->put(key, body_of(as_bytes("x")), kCreate).error().code == Code::Invalid);
    CHECK(store->get(key, {}, discard).error().code == Code::Invalid);
    CHECK(store->head(key).error().code == Code::Invalid);
    CHECK(store->remove(key).error().code == Code::Invalid);
  }
  CHECK(store->list("../", "").error().code == Code::Invalid);
  CHECK(names_in(dir.path()).empty());
}

TEST_CASE("only a put creates a missing root, and only in a store opened to create") {
  const testing::TempDir dir;
  const fs::path root = dir / "replica";
  for (const Access access : {Access::Read, Access::Write}) {
    const auto refused = FileStore::open(root, access);
    CHECK(refused.error().code == Code::Unavailable);
    CHECK(refused.error().text.find("volume is mounted") != std::string::npos);
  }
  const auto store = open(root);
  CHECK(keys(*store, "").empty());
  CHECK(store->head("ltx/0/a").error().code == Code::NotFound);
  CHECK(store->get("ltx/0/a", {}, discard).error().code == Code::NotFound);
  CHECK(store->remove("ltx/0/a").has_value());
  CHECK(store->rebind().error().code == Code::Unavailable);
  CHECK_FALSE(fs::exists(root));
  put(*store, "ltx/0/a", "x");
  CHECK(get(*store, "ltx/0/a") == "x");
  CHECK((fs::status(root).permissions() & fs::perms::others_all) == fs::perms::none);
}

TEST_CASE("a store that is opened to read writes nothing") {
  const testing::TempDir dir;
  put(*open(dir / "replica"), "k", "x");
  const auto store = FileStore::open(dir / "replica", Access::Read).value();
  CHECK(get(*store, "k") == "x");
  CHECK(store->put("b", body_of(as_bytes("x")), kCreate).error().code == Code::Denied);
  CHECK(store->remove("k").error().code == Code::Denied);
  CHECK(names_in(dir / "replica") == std::vector<std::string>{"k"});
}

TEST_CASE("a root must be a directory, and a root without its parent is not mounted") {
  const testing::TempDir dir;
  CHECK(FileStore::open(dir / "a/replica", Access::Create).error().code == Code::Unavailable);
  CHECK_FALSE(fs::exists(dir / "a"));
  write_file(dir / "file", "x");
  CHECK(FileStore::open(dir / "file", Access::Create).error().code == Code::Invalid);
  CHECK(FileStore::open(dir / "file/replica", Access::Create).error().code == Code::Invalid);
}

TEST_CASE("a root that disappeared is unavailable, never empty, and no put recreates it") {
  const testing::TempDir dir;
  const fs::path root = dir / "replica";
  const auto store = open(root);
  put(*store, "ltx/0/a", "x");
  const Place first = store->rebind().value();
  const auto check_refused = [&](Code code) {
    CHECK(store->list("", "").error().code == code);
    CHECK(store->list("ltx/0/", "").error().code == code);
    CHECK(store->head("ltx/0/a").error().code == code);
    CHECK(store->get("ltx/0/a", {}, discard).error().code == code);
    CHECK(store->put("b", body_of(as_bytes("x")), kCreate).error().code == code);
  };
  fs::rename(root, dir / "moved");
  check_refused(Code::Unavailable);
  CHECK(store->rebind().error().code == Code::Unavailable);
  CHECK_FALSE(fs::exists(root));

  // It is back.
  fs::rename(dir / "moved", root);
  CHECK(get(*store, "ltx/0/a") == "x");
  CHECK(store->rebind().value() == first);

  // A copy of it, and then an empty one, as where a volume is not mounted: both are others.
  fs::rename(root, dir / "moved");
  fs::copy(dir / "moved", root, fs::copy_options::recursive);
  check_refused(Code::Invalid);
  CHECK_FALSE(fs::exists(root / "b"));
  CHECK(store->rebind().value() != first);
  CHECK(get(*store, "ltx/0/a") == "x");
  put(*store, "ltx/0/b", "y");
  fs::rename(root, dir / "copy");
  fs::create_directory(root);
  check_refused(Code::Invalid);
  CHECK(store->rebind().has_value());
  CHECK(keys(*store, "").empty());

  fs::remove_all(root);
  write_file(root, "x");
  CHECK(store->list("", "").error().code == Code::Invalid);
  CHECK(store->rebind().error().code == Code::Invalid);
}

TEST_CASE("a store that cannot create atomically reports it after its first put") {
  const testing::TempDir dir;
  const auto store = open(dir / "replica");
  CHECK(store->create_only() == CreateOnly::NotKnown);
  const std::string result = testing::in_child([&]() -> std::string {
    if (!testing::forbid({.link = ENOSYS, .rename_flags = EINVAL})) return "skipped";
    put(*store, "k", "x");
    const auto again = store->put("k", body_of(as_bytes("y")), kCreate);
    std::string text(code_name(again.error().code));
    text += store->create_only() == CreateOnly::LookBefore ? " looks" : " atomic";
    return text + " " + get(*store, "k");
  });
  if (result != "skipped") CHECK(result == std::string(code_name(Code::Exists)) + " looks x");
  put(*store, "another", "x");
  CHECK(store->create_only() == CreateOnly::Atomic);
}

TEST_CASE("a removed level directory is created again") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  put(*store, "ltx/0/a", "x");
  fs::remove_all(dir / "ltx");
  CHECK(keys(*store, "").empty());
  put(*store, "ltx/0/b", "y");
  CHECK(keys(*store, "") == "ltx/0/b");
}

TEST_CASE("a file in place of a directory is an error instead of an empty listing") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  write_file(dir / "ltx", "x");
  CHECK(store->list("ltx/0/", "").error().code == Code::Invalid);
  CHECK(store->put("ltx/0/a", body_of(as_bytes("x")), kCreate).error().code == Code::Invalid);
}

TEST_CASE("old temporary files of walwrap are removed at the start, and no others") {
  const testing::TempDir dir;
  const std::string ours = "a.ltx.tmp-0123456789abcdef";
  write_file(dir / "ltx/0" / ours, "half");
  write_file(dir / "ltx/1" / ours, "half");
  write_file(dir / "ltx/0/notes.tmp-1", "not ours");
  write_file(dir / "ltx/0/a.ltx", "whole");
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(2);
  for (const std::string& name :
       {"ltx/0/" + ours, std::string("ltx/0/notes.tmp-1"), std::string("ltx/0/a.ltx")}) {
    fs::last_write_time(dir / name, long_ago);
  }
  open(dir.path());
  CHECK_FALSE(fs::exists(dir / "ltx/0" / ours));
  CHECK(fs::exists(dir / "ltx/1" / ours));
  CHECK(fs::exists(dir / "ltx/0/notes.tmp-1"));
  CHECK(fs::exists(dir / "ltx/0/a.ltx"));
}

TEST_CASE("missing rights are an error instead of an empty listing") {
  const testing::TempDir dir;
  const Unprivileged somebody(dir.path());
  const auto store = open(dir / "replica");
  put(*store, "ltx/0/a", "x");
  fs::permissions(dir / "replica/ltx/0", fs::perms::none);
  CHECK(store->list("ltx/0/", "").error().code == Code::Denied);
  CHECK(store->list("", "").error().code == Code::Denied);
  CHECK(store->head("ltx/0/a").error().code == Code::Denied);
  CHECK(store->get("ltx/0/a", {}, discard).error().code == Code::Denied);
  CHECK(store->put("ltx/0/b", body_of(as_bytes("x")), kCreate).error().code == Code::Denied);
  CHECK(store->remove("ltx/0/a").error().code == Code::Denied);
  fs::permissions(dir / "replica/ltx/0", fs::perms::owner_all);
  fs::permissions(dir / "replica", fs::perms::none);
  CHECK(store->list("", "").error().code == Code::Denied);
  fs::permissions(dir / "replica", fs::perms::owner_all);
}

TEST_CASE("get_all refuses an object beyond its limit") {
  const testing::TempDir dir;
  const auto store = open(dir.path());
  put(*store, "k", "0123456789");
  CHECK(as_text(*get_all(*store, "k", 10)) == "0123456789");
  const auto larger = get_all(*store, "k", 9);
  REQUIRE_FALSE(larger.has_value());
  CHECK(larger.error().code == Code::Invalid);
  CHECK(get_all(*store, "none", 9).error().code == Code::NotFound);
}
