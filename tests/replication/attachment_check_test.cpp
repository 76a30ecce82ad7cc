#include "walwrap/replication/attachment_check.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using Next = AttachmentCheck::Next;
using Who = Attachment::Checkpoints;

struct CheckRig {
  testing::TempDir dir;
  std::filesystem::path database = dir / "app.db";
  testing::AppDb app{database};
  std::unique_ptr<Attachment> attachment;
  AttachmentCheck check{database, "app.db", testing::kSystemClock, testing::kNoLog};

  CheckRig() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    attachment = Attachment::open(attach_existing(database, testing::kSystemClock).value(),
                                  std::nullopt, FileNote(StateDir::open(database).value()))
                     .value();
  }
};

TEST_CASE("commits of the app in the WAL are not a reason to detach") {
  CheckRig rig;
  CHECK(rig.check.check(*rig.attachment, Who::Ours, false).next == Next::GoOn);
  rig.app.run("INSERT INTO t VALUES(2)");
  CHECK(rig.check.check(*rig.attachment, Who::Ours, false).next == Next::GoOn);
  CHECK(rig.check.error().empty());
}

TEST_CASE("a database that was replaced is detached") {
  CheckRig rig;
  std::filesystem::copy_file(rig.database, rig.dir / "other.db");
  std::filesystem::rename(rig.dir / "other.db", rig.database);
  const auto found = rig.check.check(*rig.attachment, Who::Ours, true);
  CHECK(found.next == Next::Detach);
  CHECK_FALSE(found.reason.empty());
}

TEST_CASE("a database file that was written outside the WAL is detached, and attached later") {
  CheckRig rig;
  const auto found = rig.check.on_foreign_write(*rig.attachment);
  CHECK(found.next == Next::Detach);
  CHECK(found.reason.find("another program wrote") != std::string_view::npos);
  CHECK(found.pause.count() > 0);
}

}  // namespace
}  // namespace walwrap::replication
