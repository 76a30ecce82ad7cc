#include "walwrap/os/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;
using testing::TempDir;
using Names = std::vector<std::string>;

constexpr Bytes kPlenty = 1 << 20;

void write_text(const Path& path, std::string_view text) {
  auto file = AtomicFile::create(path).value();
  REQUIRE(file.write(as_bytes(text)).has_value());
  REQUIRE(file.commit(AtomicFile::Publish::Replace).has_value());
}

std::string text_of(const Path& path) {
  const auto bytes = read_file(path, kPlenty);
  return bytes ? std::string(as_text(*bytes)) : "error: " + bytes.error().text;
}

Names names_in(const Path& directory) {
  Names names = list_directory(directory).value();
  std::ranges::sort(names);
  return names;
}

TEST_CASE("an error names the call, the path and the reason, and has the code callers branch on") {
  struct Row {
    int error_number;
    Code code;
  };
  for (const Row& row : {
           Row{ENOENT, Code::NotFound},        Row{EEXIST, Code::Exists},
           Row{EACCES, Code::Denied},          Row{EPERM, Code::Denied},
           Row{EROFS, Code::Denied},           Row{ENOSPC, Code::Unavailable},
           Row{EIO, Code::Unavailable},        Row{EDQUOT, Code::Unavailable},
           Row{ESTALE, Code::Unavailable},     Row{EMFILE, Code::Unavailable},
           Row{ENOMEM, Code::Unavailable},     Row{EAGAIN, Code::Unavailable},
           Row{EOPNOTSUPP, Code::Unsupported}, Row{ENOSYS, Code::Unsupported},
           Row{ENOTDIR, Code::Invalid},        Row{EISDIR, Code::Invalid},
           Row{ENAMETOOLONG, Code::Invalid},   Row{ELOOP, Code::Invalid},
           Row{EINVAL, Code::Invalid},         Row{EXDEV, Code::Io},
       }) {
    CAPTURE(row.error_number);
    CHECK(errno_failure("openat", "/x/y", row.error_number).error.code == row.code);
  }
  CHECK(errno_failure("openat", "/x/y", EACCES).error.text == "openat /x/y: Permission denied");
  CHECK(errno_failure("fork", "", EAGAIN).error.text == "fork: Resource temporarily unavailable");
}

TEST_CASE("the status of a path tells what is there, also through a link") {
  const TempDir dir;
  write_text(dir / "file", "12345");
  REQUIRE(::symlink("file", (dir / "link").c_str()) == 0);
  REQUIRE(::chmod((dir / "file").c_str(), 0640) == 0);

  const FileStatus file = status_of(dir / "file").value();
  CHECK(file.type == FileType::Regular);
  CHECK(file.size == 5);
  CHECK(file.mode == 0640);
  CHECK(file.owner == ::geteuid());
  CHECK(status_of(dir / "link").value().id == file.id);
  CHECK(status_of(dir.path()).value().type == FileType::Directory);
  CHECK_FALSE(status_of(dir.path()).value().id == file.id);
  CHECK(status_of("/dev/null").value().type == FileType::Other);
  CHECK(status_of(dir / "missing").error().code == Code::NotFound);
  CHECK(status_of(dir / "file" / "below").error().code == Code::Invalid);
  CHECK(os::exists(dir / "file"));
  CHECK_FALSE(os::exists(dir / "missing"));
}

TEST_CASE("renaming replaces, linking does not") {
  const TempDir dir;
  write_text(dir / "a", "a");
  write_text(dir / "b", "b");
  CHECK(link_new(dir / "a", dir / "b").error().code == Code::Exists);
  CHECK(text_of(dir / "b") == "b");
  REQUIRE(link_new(dir / "a", dir / "c").has_value());
  CHECK(status_of(dir / "c").value().id == status_of(dir / "a").value().id);
  REQUIRE(os::rename(dir / "a", dir / "b").has_value());
  CHECK(text_of(dir / "b") == "a");
  CHECK(names_in(dir.path()) == Names{"b", "c"});
  CHECK(os::rename(dir / "a", dir / "b").error().code == Code::NotFound);
  REQUIRE(remove_file(dir / "b").has_value());
  CHECK(remove_file(dir / "b").error().code == Code::NotFound);
}

TEST_CASE("directories are made with their parents, and again without complaint") {
  const TempDir dir;
  REQUIRE(make_directories(dir / "a/b/c", 0700).has_value());
  REQUIRE(make_directories(dir / "a/b/c/", 0700).has_value());
  CHECK(status_of(dir / "a/b/c").value().mode == 0700);
  write_text(dir / "a/file", "");
  CHECK(make_directories(dir / "a/file", 0700).error().code == Code::Exists);
  CHECK_FALSE(make_directories(dir / "a/file/below", 0700).has_value());
  CHECK(sync_directory(dir / "a").has_value());
  CHECK(sync_directory(dir / "missing").error().code == Code::NotFound);
}

TEST_CASE("a directory lists the names in it, whatever they hold") {
  const TempDir dir;
  CHECK(names_in(dir.path()).empty());
  const Names odd{" leading space", ".hidden", "new\nline", "not \xff utf-8"};
  for (const std::string& name : odd) write_text(dir / name, "");
  CHECK(names_in(dir.path()) == odd);
  CHECK(list_directory(dir / "missing").error().code == Code::NotFound);
  CHECK(list_directory(dir / ".hidden").error().code == Code::Invalid);
}

TEST_CASE("a file is read up to the limit and refused beyond it") {
  const TempDir dir;
  const std::string content(200'000, 'x');
  write_text(dir / "file", content);
  CHECK(as_text(read_file(dir / "file", 200'000).value()) == content);
  CHECK(read_file(dir / "file", 199'999).error().code == Code::Invalid);
  write_text(dir / "empty", "");
  CHECK(read_file(dir / "empty", 0).value().empty());
  CHECK(read_file(dir / "missing", 1).error().code == Code::NotFound);
  CHECK(read_file(dir.path(), 1).error().code == Code::Invalid);
  CHECK(text_of("/proc/self/stat").starts_with(std::to_string(::getpid())));  // has no size
}

TEST_CASE("the time of modification is set to the millisecond, also before 1970") {
  const TempDir dir;
  write_text(dir / "file", "x");
  for (const char* const text : {"2026-03-01T12:34:56.789Z", "1969-12-31T23:59:59.250Z"}) {
    CAPTURE(text);
    const WallTime time = parse_rfc3339(text).value();
    REQUIRE(set_modified(dir / "file", time).has_value());
    CHECK(status_of(dir / "file").value().modified == time);
  }
  CHECK(set_modified(dir / "missing", WallTime{}).error().code == Code::NotFound);
}

TEST_CASE("file systems are told by name, and how much is free") {
  CHECK(filesystem_name("/proc").value() == "proc");
  CHECK_FALSE(filesystem_name("/").value().empty());
  CHECK(filesystem_name("/missing").error().code == Code::NotFound);
  CHECK(free_bytes(std::filesystem::temp_directory_path()).value() > 0);
  CHECK(free_bytes("/missing").error().code == Code::NotFound);
}

TEST_CASE("a file is read and written at any offset") {
  const TempDir dir;
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  REQUIRE(file.write_at(as_bytes("world"), 6).has_value());
  REQUIRE(file.write_at(as_bytes("hello "), 0).has_value());
  CHECK(file.size().value() == 11);
  std::array<std::byte, 20> buffer{};
  CHECK(file.read_at(buffer, 0).value() == 11);
  CHECK(as_text(ByteSpan(buffer).first(11)) == "hello world");
  CHECK(file.read_at(MutableByteSpan(buffer).first(3), 8).value() == 3);
  CHECK(as_text(ByteSpan(buffer).first(3)) == "rld");
  CHECK(file.read_at(buffer, 11).value() == 0);
  REQUIRE(file.truncate(4).has_value());
  CHECK(file.size().value() == 4);
  CHECK(file.sync().has_value());
}

TEST_CASE("how a file is opened decides what may be missing or there") {
  const TempDir dir;
  CHECK(File::open(dir / "file", File::Open::ReadOnly).error().code == Code::NotFound);
  CHECK(File::open(dir / "file", File::Open::ReadWrite).error().code == Code::NotFound);
  CHECK(File::open(dir / "file", File::Open::CreateNew).has_value());
  CHECK(File::open(dir / "file", File::Open::CreateNew).error().code == Code::Exists);
  CHECK(status_of(dir / "file").value().mode == 0600);
  CHECK(File::open(dir / "file", File::Open::ReadWrite).has_value());
  File file = File::open(dir / "file", File::Open::ReadOnly).value();
  CHECK_FALSE(file.write_at(as_bytes("x"), 0).has_value());
  CHECK((::fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("reserved space keeps what is there and never makes a file shorter") {
  const TempDir dir;
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  REQUIRE(file.write_at(as_bytes("data"), 0).has_value());
  REQUIRE(file.allocate(100'000).has_value());
  CHECK(file.size().value() == 100'000);
  REQUIRE(file.allocate(10).has_value());
  REQUIRE(file.allocate(0).has_value());
  CHECK(file.size().value() == 100'000);
  CHECK(text_of(dir / "file").starts_with("data"));
}

TEST_CASE("a file takes over the mode of another") {
  const TempDir dir;
  File file = File::open(dir / "file", File::Open::CreateNew).value();
  FileStatus like = file.status().value();
  like.mode = 0664;
  REQUIRE(file.set_owner_and_mode(like).has_value());
  CHECK(file.status().value().mode == 0664);
}

TEST_CASE("an atomic file appears whole at commit and leaves no other name") {
  const TempDir dir;
  auto file = AtomicFile::create(dir / "state", 0640).value();
  REQUIRE(file.write(as_bytes("first ")).has_value());
  REQUIRE(file.write(as_bytes("second")).has_value());
  const WallTime time = parse_rfc3339("2026-01-02T03:04:05.678Z").value();
  REQUIRE(file.set_modified(time).has_value());
  CHECK(file.written() == 12);
  CHECK_FALSE(os::exists(dir / "state"));
  REQUIRE(names_in(dir.path()).size() == 1);
  CHECK(names_in(dir.path())[0].starts_with("state.tmp-"));

  REQUIRE(file.commit(AtomicFile::Publish::Replace).has_value());
  CHECK(names_in(dir.path()) == Names{"state"});
  CHECK(text_of(dir / "state") == "first second");
  CHECK(status_of(dir / "state").value().modified == time);
}

TEST_CASE("an atomic file that is dropped or replaced leaves nothing, and what was there stays") {
  const TempDir dir;
  write_text(dir / "state", "old");
  {
    auto file = AtomicFile::create(dir / "state").value();
    REQUIRE(file.write(as_bytes("new")).has_value());
    auto moved = std::move(file);
    moved = AtomicFile::create(dir / "state").value();
    CHECK(names_in(dir.path()).size() == 2);  // the first temporary file is gone already
  }
  CHECK(names_in(dir.path()) == Names{"state"});
  CHECK(text_of(dir / "state") == "old");
}

TEST_CASE("an atomic file that has moved is committed by its new owner") {
  const TempDir dir;
  std::optional<AtomicFile> source = AtomicFile::create(dir / "state").value();
  REQUIRE(source->write(as_bytes("moved")).has_value());
  AtomicFile target = *std::move(source);
  source.reset();
  REQUIRE(target.commit(AtomicFile::Publish::Replace).has_value());
  CHECK(text_of(dir / "state") == "moved");
}

TEST_CASE("of two atomic files published as new under one name exactly one wins") {
  const TempDir dir;
  auto one = AtomicFile::create(dir / "slot").value();
  auto two = AtomicFile::create(dir / "slot").value();
  REQUIRE(one.write(as_bytes("one")).has_value());
  REQUIRE(two.write(as_bytes("two")).has_value());
  CHECK(two.commit(AtomicFile::Publish::CreateNew).has_value());
  CHECK(one.commit(AtomicFile::Publish::CreateNew).error().code == Code::Exists);
  CHECK(text_of(dir / "slot") == "two");
}

TEST_CASE("an atomic file without a directory to go to is an error") {
  const TempDir dir;
  CHECK(AtomicFile::create(dir / "missing" / "state").error().code == Code::NotFound);
  REQUIRE(make_directories(dir / "gone", 0700).has_value());
  auto file = AtomicFile::create(dir / "gone" / "state").value();
  std::filesystem::remove_all(dir / "gone");
  CHECK(file.commit(AtomicFile::Publish::Replace).error().code == Code::NotFound);
}

// From now on link(2) and linkat(2) fail with EPERM, as on a file system without hard links.
bool forbid_links() {
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
#ifdef SYS_link
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_link, 1, 0));
#endif
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_CASE("an atomic file is published as new also where the file system has no hard links") {
  const TempDir dir;
  write_text(dir / "taken", "old");
  const auto publish = [&](std::string_view name) {
    auto file = AtomicFile::create(dir / name).value();
    ignore(file.write(as_bytes("new")), "seen in the file's text");
    const auto committed = file.commit(AtomicFile::Publish::CreateNew);
    return committed ? std::string("done ") : std::string(code_name(committed.error().code)) + " ";
  };
  const std::string result = in_child([&]() -> std::string {
    if (!forbid_links()) return "skipped";
    if (link_new(dir / "taken", dir / "link").has_value()) return "links still work";
    return publish("fresh") + publish("taken");
  });
  if (result == "skipped") {
    MESSAGE("skipped: no seccomp filter here");
    return;
  }
  CHECK(result == "done " + std::string(code_name(Code::Exists)) + " ");
  CHECK(text_of(dir / "fresh") == "new");
  CHECK(text_of(dir / "taken") == "old");
  CHECK(names_in(dir.path()) == Names{"fresh", "taken"});
}

TEST_CASE("what is written to a mapped file is in the file, and still there next time") {
  const TempDir dir;
  {
    auto mapped = MappedFile::open(dir / "sums", 10'000).value();
    REQUIRE(mapped.bytes().size() == 10'000);
    CHECK(std::ranges::all_of(mapped.bytes(), [](std::byte b) { return b == std::byte{0}; }));
    mapped.bytes()[9'999] = std::byte{42};
    REQUIRE(mapped.sync().has_value());
  }
  CHECK(status_of(dir / "sums").value().size == 10'000);
  auto mapped = MappedFile::open(dir / "sums", 10'000).value();
  CHECK(mapped.bytes()[9'999] == std::byte{42});
}

TEST_CASE("a mapped file keeps its content when it grows, and new bytes are zero") {
  const TempDir dir;
  auto mapped = MappedFile::open(dir / "sums", 3).value();
  std::ranges::fill(mapped.bytes(), std::byte{7});
  REQUIRE(mapped.resize(100'000).has_value());
  CHECK(mapped.bytes()[2] == std::byte{7});
  CHECK(std::ranges::all_of(mapped.bytes().subspan(3),
                            [](std::byte b) { return b == std::byte{0}; }));
  std::ranges::fill(mapped.bytes(), std::byte{9});
  REQUIRE(mapped.resize(10).has_value());
  REQUIRE(mapped.resize(20).has_value());
  CHECK(mapped.bytes()[9] == std::byte{9});
  CHECK(mapped.bytes()[10] == std::byte{0});
}

TEST_CASE("an empty mapped file has no bytes and can grow") {
  const TempDir dir;
  auto mapped = MappedFile::open(dir / "sums", 0).value();
  CHECK(mapped.bytes().empty());
  CHECK(mapped.sync().has_value());
  REQUIRE(mapped.resize(5).has_value());
  auto moved = std::move(mapped);
  CHECK(moved.bytes().size() == 5);
  CHECK(mapped.bytes().empty());
  moved = MappedFile::open(dir / "other", 6).value();
  CHECK(moved.bytes().size() == 6);
  CHECK(MappedFile::open(dir / "missing" / "sums", 1).error().code == Code::NotFound);
}

}  // namespace
}  // namespace walwrap::os
