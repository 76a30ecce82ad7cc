// A replica made of LTX files with given pages, and what a restore of it must give.
#pragma once

#include "tests/support/ltx_files.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/listing.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::testing {

struct ReplicaFiles {
  TempDir directory;
  PageSize page_size{4096};
  std::mt19937_64 random{42};
  ByteVector expected;  // the database after the files so far
  std::uint64_t txid = 0;

  std::unique_ptr<storage::FileStore> store() const {
    return storage::FileStore::open(directory / "replica", storage::Access::Create).value();
  }
  static std::string key(std::uint64_t txid) {
    return replication::file_key(replication::KeyStyle::Directory, kUploadLevel,
                                 {Txid{txid}, Txid{txid}});
  }
  // The next level 0 file: these pages with random content, the database then `commit` pages.
  void add(std::uint32_t commit, const std::vector<std::uint32_t>& pgnos) {
    expected.resize(std::size_t{commit} * page_size.value);
    PageMap pages;
    for (const std::uint32_t pgno : pgnos) {
      pages[pgno] = random_page(page_size, random);
      std::copy(pages[pgno].begin(), pages[pgno].end(),
                expected.begin() + std::ptrdiff_t{pgno - 1} * page_size.value);
    }
    ++txid;
    const auto file = encode_ltx(ltx_header(page_size, commit, txid, txid), pages).value();
    REQUIRE(store()->put(key(txid), storage::body_of(file), {}).has_value());
  }
  replication::RestoreRequest request() const {
    replication::RestoreRequest request;
    request.open_store =
        [this](const replication::Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
      return std::unique_ptr<storage::ObjectStore>(store());
    };
    auto opened = store();
    const auto listing =
        replication::list_replica(*opened, replication::KeyStyle::Directory).value();
    request.plan = replication::plan_restore(listing.files, {}).value();
    request.output = directory / "app.db";
    request.integrity = replication::Integrity::None;  // random pages are no database
    request.on_progress = [](const replication::RestoreProgress&) {};
    request.cancelled = [] { return false; };
    return request;
  }
};

}  // namespace walwrap::testing
