#include "walwrap/base/page_set.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <set>
#include <vector>

#include "walwrap/base/check.hpp"

using namespace walwrap;

namespace {

constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();

std::vector<std::uint32_t> members(const PageSet& set) {
  std::vector<std::uint32_t> numbers;
  set.for_each([&](Pgno pgno) { numbers.push_back(pgno.value); });
  return numbers;
}

PageSet set_of(std::initializer_list<std::uint32_t> numbers) {
  PageSet set;
  for (const auto number : numbers) set.add(Pgno{number});
  return set;
}

// A page set beside the slow and obvious one: a std::set.
struct Pair {
  PageSet set;
  std::set<std::uint32_t> model;

  void add_range(std::uint32_t first, std::uint32_t last) {
    set.add_range(Pgno{first}, Pgno{last});
    for (std::uint32_t i = first; i <= last; ++i) model.insert(i);
  }
  void add_all(const Pair& other) {
    set.add_all(other.set);
    model.insert(other.model.begin(), other.model.end());
  }
  void remove_above(std::uint32_t last) {
    set.remove_above(Pgno{last});
    model.erase(model.upper_bound(last), model.end());
  }
  void check() const {
    REQUIRE(members(set) == std::vector<std::uint32_t>(model.begin(), model.end()));
    REQUIRE(set.size() == model.size());
    REQUIRE(set.empty() == model.empty());
    REQUIRE(set.last() == (model.empty() ? std::nullopt : std::optional(Pgno{*model.rbegin()})));
  }
  void check_next(std::uint32_t after, std::size_t limit) const {
    std::vector<Pgno> expected;
    for (auto it = model.upper_bound(after); it != model.end() && expected.size() < limit; ++it) {
      expected.push_back(Pgno{*it});
    }
    REQUIRE(set.next(Pgno{after}, limit) == expected);
  }
};

// Numbers around the borders of CRoaring's containers, where its forms change.
std::uint32_t page_near_a_border(std::mt19937_64& random) {
  const auto container = static_cast<std::uint32_t>(random() % 4);
  const auto offset = static_cast<std::uint32_t>(random() % 600);
  const std::uint32_t number = (container << 16) + offset * (random() % 2 == 0 ? 1U : 109U);
  return number == 0 ? 1 : number;
}

void random_step(Pair& pair, Pair& other, std::mt19937_64& random) {
  const std::uint32_t page = page_near_a_border(random);
  switch (random() % 9) {
    case 0:
    case 1:
      for (std::uint32_t i = 0; i < 5000; i += 2) {  // past 4096 an array becomes a bitset
        pair.set.add(Pgno{page + i});
        pair.model.insert(page + i);
      }
      break;
    case 2:
      pair.add_range(page, page + static_cast<std::uint32_t>(random() % 70'000));
      break;
    case 3:
      pair.add_all(other);
      break;
    case 4:
      pair.remove_above(page + static_cast<std::uint32_t>(random() % 100'000));
      break;
    case 5:
      std::swap(pair, other);
      break;
    case 6:
      other = pair;
      break;
    case 7:
      pair.set.clear();
      pair.model.clear();
      break;
    default:
      for (std::uint32_t i = 0; i < 3000; i += 3) {
        pair.set.remove(Pgno{page + i});
        pair.model.erase(page + i);
      }
  }
}

}  // namespace

TEST_CASE("a new page set is empty") {
  const PageSet set;
  CHECK(set.empty());
  CHECK(set.size() == 0);
  CHECK_FALSE(set.contains(Pgno{1}));
  CHECK_FALSE(set.last().has_value());
  CHECK(set.next(Pgno{0}, 10).empty());
  CHECK(set == PageSet{});
}

TEST_CASE("iteration gives each page once in ascending order, whatever the order of insertion") {
  CHECK(members(set_of({70000, 3, 1, 3, kLargest, 2})) ==
        std::vector<std::uint32_t>{1, 2, 3, 70000, kLargest});
}

TEST_CASE("page 0 cannot be added") {
  PageSet set;
  CHECK_THROWS_AS(set.add(Pgno{0}), Panic);
  CHECK_THROWS_AS(set.add_range(Pgno{0}, Pgno{4}), Panic);
  CHECK(set.empty());
}

TEST_CASE("a range includes both ends, and a reversed range is empty") {
  CHECK(members(PageSet::range(Pgno{5}, Pgno{8})) == std::vector<std::uint32_t>{5, 6, 7, 8});
  CHECK(PageSet::range(Pgno{5}, Pgno{5}).size() == 1);
  CHECK(PageSet::range(Pgno{5}, Pgno{4}).empty());
  CHECK(PageSet::range(Pgno{1}, Pgno{0}).empty());
  CHECK(PageSet::range(Pgno{1}, Pgno{kLargest}).size() == kLargest);
  CHECK(PageSet::range(Pgno{kLargest}, Pgno{kLargest}).last() == Pgno{kLargest});
}

TEST_CASE("pages cut from a database that shrank are removed from the set") {
  PageSet set = set_of({1, 2, 70000, 70001});
  set.remove_above(Pgno{kLargest});
  CHECK(set.size() == 4);
  set.remove_above(Pgno{70000});
  CHECK(members(set) == std::vector<std::uint32_t>{1, 2, 70000});
  set.remove_above(Pgno{0});
  CHECK(set.empty());
  CHECK(set == PageSet{});
}

TEST_CASE("iteration continues where it stopped, even if that page was removed") {
  PageSet set = set_of({10, 20, 30, 40});
  CHECK(set.next(Pgno{0}, 2) == std::vector<Pgno>{Pgno{10}, Pgno{20}});
  set.remove(Pgno{20});
  CHECK(set.next(Pgno{20}, 2) == std::vector<Pgno>{Pgno{30}, Pgno{40}});
  CHECK(set.next(Pgno{25}, 9) == std::vector<Pgno>{Pgno{30}, Pgno{40}});
  CHECK(set.next(Pgno{40}, 9).empty());
  CHECK(set.next(Pgno{kLargest}, 9).empty());
  CHECK(set.next(Pgno{0}, 0).empty());
}

TEST_CASE("a copy is independent, and a set that was moved from is empty and usable") {
  PageSet original = set_of({1, 2});
  PageSet copy = original;
  copy.add(Pgno{3});
  CHECK(original.size() == 2);
  original = copy;
  CHECK(original == copy);

  const PageSet moved = std::move(original);
  CHECK(moved.size() == 3);
  CHECK(original.empty());  // NOLINT(bugprone-use-after-move): the header promises it
  original.add(Pgno{9});
  CHECK(members(original) == std::vector<std::uint32_t>{9});
  copy = std::move(original);
  CHECK(members(copy) == std::vector<std::uint32_t>{9});
}

TEST_CASE("sets with the same members are equal, however they were built") {
  PageSet one_by_one;
  for (std::uint32_t i = 1; i <= 200'000; ++i) one_by_one.add(Pgno{i});
  CHECK(one_by_one == PageSet::range(Pgno{1}, Pgno{200'000}));
  CHECK_FALSE(one_by_one == PageSet::range(Pgno{1}, Pgno{199'999}));
  CHECK_FALSE(one_by_one == PageSet{});
  CHECK(set_of({7}) == set_of({7}));
  CHECK_FALSE(set_of({7}) == set_of({8}));
}

TEST_CASE("a union with itself or with an empty set changes nothing") {
  PageSet set = set_of({4, 5});
  set.add_all(set);  // NOLINT(clang-diagnostic-self-assign-overloaded)
  set.add_all(PageSet{});
  CHECK(members(set) == std::vector<std::uint32_t>{4, 5});
  PageSet empty;
  empty.add_all(set);
  CHECK(empty == set);
}

TEST_CASE("a page set stays small: a full range takes bytes, 1 GiB of scattered pages 33 KiB") {
  const Pgno pages_per_gib{262'144};
  CHECK(PageSet::range(Pgno{1}, pages_per_gib).memory() < 512);

  PageSet every_other;
  for (std::uint32_t i = 1; i <= pages_per_gib.value; i += 2) every_other.add(Pgno{i});
  CHECK(every_other.memory() > 16 * 1024);
  CHECK(every_other.memory() < 33 * 1024);
  CHECK(PageSet{}.memory() < 64);
}

TEST_CASE("a page set agrees with a std::set through random histories") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int history = 0; history < 6; ++history) {
    Pair pair;
    Pair other;
    for (int step = 0; step < 20; ++step) {
      CAPTURE(step);
      random_step(pair, other, random);
      pair.check();
      for (int i = 0; i < 5; ++i) {
        const std::uint32_t page = page_near_a_border(random);
        REQUIRE(pair.set.contains(Pgno{page}) == (pair.model.count(page) != 0));
        pair.check_next(page, random() % 300);
      }
      REQUIRE((pair.set == other.set) == (pair.model == other.model));
    }
  }
}
