// Prices of object stores for requests and space. Pure.
//
// List prices in US dollars before tax, for the region that each provider names first, from their
// price pages and reports about them at the date in the row. Providers with other billing rules are
// left out.
#pragma once

#include <cstdint>
#include <string_view>

#include "walwrap/storage/store_counts.hpp"

namespace walwrap::storage {

struct Prices {
  std::string_view provider;  // Dialect::name
  double million_puts;        // and posts
  double million_lists;
  double million_gets;  // and heads; deleting is free
  double gigabyte_month;
  double free_puts;     // a month
  bool whole_millions;  // rounded up to the next
  std::string_view as_of;
};
// nullptr: not known, for example AWS in China, which bills in yuan.
const Prices* prices_of(std::string_view provider, std::string_view region);

// For this many uploads in a month.
double price_of_puts(const Prices& prices, std::uint64_t puts);
// For these requests, without free quotas.
double price_of_requests(const Prices& prices, const StoreCounts& counts);

}  // namespace walwrap::storage
