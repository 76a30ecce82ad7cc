// The disk of a host that loses its power: which bytes of which file are sure to be there.
//
// A DiskRecorder watches one directory tree while a run works in it: a test program that defines
// fsync, pwrite and so on itself (power_cut_calls.hpp) tells it of each call. What a file held at
// its last fsync is sure; what was written since may be missing. A name is sure since the last
// fsync of its directory. A Moment is all of that at one instant, with what the replica and the app
// had by then; make_disk() makes one of the disks that the host may find afterwards.
//
// One mutex is held during each watched call, so a Moment is never in the middle of one.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/check.hpp"

namespace walwrap::testing {

using Inode = std::uint64_t;
using Names = std::map<std::string, Inode>;  // of one directory

struct FileImage {
  ByteVector now;
  std::optional<ByteVector> synced;  // none: it never was
  timespec modified{};
};
struct DirectoryImage {
  Names now;
  Names synced;
};

// Paths are relative to the recorded directory; "" is itself.
struct DiskImage {
  std::map<std::string, DirectoryImage> directories;
  std::map<Inode, FileImage> files;
};

class DiskRecorder {
 public:
  // What already exists is synced.
  explicit DiskRecorder(std::filesystem::path root) : root_(std::move(root)) {
    const std::lock_guard lock(mutex());
    for (const std::string& name : directories()) {
      const auto directory = name == "." ? root_ : root_ / name;
      synced_names_[name] = names_in(directory);
      for (const auto& [file, inode] : synced_names_[name]) {
        synced_[inode] = bytes_of(directory / file, inode);
      }
    }
    all().push_back(this);
  }
  DiskRecorder(const DiskRecorder&) = delete;
  DiskRecorder& operator=(const DiskRecorder&) = delete;
  // When nobody works in the directory any more. Not before: closing a descriptor of a database
  // drops this process's locks on it.
  ~DiskRecorder() {
    const std::lock_guard lock(mutex());
    std::erase(all(), this);
    for (const auto& [inode, held] : held_) ::close(held);
  }

  // Before each watched call, with its name and its file; under the mutex.
  std::function<void(const std::string& call, const std::string& file)> on_call;

  static std::mutex& mutex() {
    static std::mutex all;
    return all;
  }
  // While there is one of these, nothing is really synced: no test pulls a real plug.
  class NoSync {
   public:
    NoSync() { ++count(); }
    ~NoSync() { --count(); }
    NoSync(const NoSync&) = delete;
    NoSync& operator=(const NoSync&) = delete;
    static std::atomic<int>& count() {
      static std::atomic<int> pretending{0};
      return pretending;
    }
  };

  // Whoever holds the mutex. The recorder of the directory that this path is in; null: none.
  static DiskRecorder* of(const std::filesystem::path& path) {
    for (DiskRecorder* recorder : all()) {
      if (path.native().starts_with(recorder->root_.native() + "/") || path == recorder->root_) {
        return recorder;
      }
    }
    return nullptr;
  }
  void on_fsync(const std::filesystem::path& path, int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      synced_names_[path.lexically_relative(root_).string()] = names_in(path);
    } else {
      synced_[status.st_ino] = bytes_of(path, status.st_ino);
    }
  }
  void tell(const std::string& call, const std::filesystem::path& path) const {
    if (on_call) on_call(call, path.filename().string());
  }

  // Whoever holds the mutex. What is mapped into memory is not kept from being written meanwhile,
  // so it is read first: what it holds is then older than the rest, as it may be on a disk.
  DiskImage image() {
    DiskImage image;
    for (const std::string& name : directories()) {
      auto& directory = image.directories[name];
      directory.now = names_in(name == "." ? root_ : root_ / name);
      directory.synced = synced_names_[name];
    }
    for (const bool is_mapped : {true, false}) {
      for (const auto& [name, directory] : image.directories) {
        for (const Names* names : {&directory.now, &directory.synced}) {
          for (const auto& [file, inode] : *names) {
            if ((file == "pages") != is_mapped || image.files.contains(inode)) continue;
            image.files[inode] = image_of(root_ / name / file, inode);
          }
        }
      }
    }
    return image;
  }

 private:
  static std::vector<DiskRecorder*>& all() {
    static std::vector<DiskRecorder*> recorders;
    return recorders;
  }
  std::vector<std::string> directories() const {
    std::vector<std::string> found = {"."};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      if (entry.is_directory()) found.push_back(entry.path().lexically_relative(root_).string());
    }
    return found;
  }
  // Regular files only; each is held open, so that its inode number stays its own.
  Names names_in(const std::filesystem::path& directory) {
    Names names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      hold(entry.path(), status.st_ino);
      names[entry.path().filename().string()] = status.st_ino;
    }
    return names;
  }
  int hold(const std::filesystem::path& path, Inode inode) {
    const auto known = held_.find(inode);
    if (known != held_.end()) return known->second;
    // Past a simulated world, whose faults are meant for others.
    const auto descriptor =
        static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC, 0));
    WW_CHECK(descriptor >= 0);
    return held_[inode] = descriptor;
  }
  ByteVector bytes_of(const std::filesystem::path& path, Inode inode) {
    const int descriptor = hold(path, inode);
    struct stat status {};
    WW_CHECK(::fstat(descriptor, &status) == 0 && status.st_ino == inode);
    ByteVector bytes(static_cast<std::size_t>(status.st_size));
    const auto got = ::syscall(SYS_pread64, descriptor, bytes.data(), bytes.size(), 0);
    bytes.resize(static_cast<std::size_t>(std::max(got, 0L)));
    return bytes;
  }
  FileImage image_of(const std::filesystem::path& path, Inode inode) {
    FileImage image{.now = bytes_of(path, inode), .synced = std::nullopt};
    struct stat status {};
    WW_CHECK(::fstat(hold(path, inode), &status) == 0);
    image.modified = status.st_mtim;
    const auto synced = synced_.find(inode);
    if (synced != synced_.end()) image.synced = synced->second;
    return image;
  }

  std::filesystem::path root_;
  std::map<Inode, int> held_;
  std::map<Inode, ByteVector> synced_;
  std::map<std::string, Names> synced_names_;
};

// What became of the bytes that were not synced.
enum class Loss {
  None,    // all were written, as when only the processes died
  All,     // none was
  From,    // those from some point on were not, and the file is as long as what was written
  Zeros,   // the same, but the new size was written: zeros
  Blocks,  // some blocks of 4 KiB were written
};
inline constexpr std::string_view kLossNames[] = {"none", "all", "from", "zeros", "blocks"};

inline ByteVector lose(const FileImage& file, Loss loss, std::mt19937_64& random) {
  if (loss == Loss::None || file.synced == file.now) return file.now;
  const ByteVector old = file.synced.value_or(ByteVector{});
  if (loss == Loss::All) return old;
  const std::size_t longest = std::max(old.size(), file.now.size());
  constexpr std::size_t kSector = 512, kBlock = 4096;
  if (loss == Loss::Blocks) {
    ByteVector mixed = old;
    mixed.resize(file.now.size());
    for (std::size_t at = 0; at < mixed.size(); at += kBlock) {
      if (random() % 2 == 0) continue;
      const auto end = std::min(at + kBlock, mixed.size());
      std::copy(file.now.begin() + std::ptrdiff_t(at), file.now.begin() + std::ptrdiff_t(end),
                mixed.begin() + std::ptrdiff_t(at));
    }
    return mixed;
  }
  // Where the two begin to differ is where something can be missing.
  const auto [left, right] = std::mismatch(
      old.begin(), old.begin() + std::ptrdiff_t(std::min(old.size(), file.now.size())),
      file.now.begin());
  const auto same = std::size_t(left - old.begin()) / kSector * kSector;
  std::size_t cut = same + random() % (longest - same + 1);
  if (random() % 2 == 0) cut = cut / kSector * kSector;
  ByteVector bytes = old;
  const auto written = std::min(cut, file.now.size());
  if (bytes.size() < written) bytes.resize(written);
  std::copy(file.now.begin(), file.now.begin() + std::ptrdiff_t(written), bytes.begin());
  // A file that was made shorter is as long as before, or as now.
  if (cut >= file.now.size() || loss == Loss::Zeros) bytes.resize(file.now.size());
  return bytes;
}

// Writes one of the possible disks into an empty directory; says which. A copy has all bytes. No
// file is younger than it was: neither a loss of power nor a snapshot makes it so, nor "cp -a".
inline std::string make_disk(const DiskImage& image, const std::filesystem::path& root,
                             std::mt19937_64& random, bool is_copy = false) {
  std::string told;
  for (const auto& [name, directory] : image.directories) {
    const bool has_lost_names = !is_copy && directory.now != directory.synced && random() % 3 == 0;
    if (has_lost_names) told += " names of " + name;
    const auto path = name == "." ? root : root / name;
    std::filesystem::create_directories(path);
    for (const auto& [file, inode] : has_lost_names ? directory.synced : directory.now) {
      const bool is_index = file.ends_with("-shm");
      if (is_index && random() % 2 == 0) continue;
      const auto loss = is_copy ? Loss::None : static_cast<Loss>(random() % std::size(kLossNames));
      const auto bytes = lose(image.files.at(inode), loss, random);
      if (bytes != image.files.at(inode).now) {
        told += " " + file + ":" + std::string(kLossNames[static_cast<std::size_t>(loss)]) + "(" +
                std::to_string(bytes.size()) + " of " +
                std::to_string(image.files.at(inode).now.size()) + ")";
      }
      std::ofstream out(path / file, std::ios::binary);
      out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
      out.close();
      WW_CHECK(out.good());
      const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                image.files.at(inode).modified};
      WW_CHECK(::utimensat(AT_FDCWD, (path / file).c_str(), times, 0) == 0);
    }
  }
  return told;
}

}  // namespace walwrap::testing
