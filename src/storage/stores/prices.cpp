#include "walwrap/storage/stores/prices.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace walwrap::storage {
namespace {

constexpr double kMillion = 1e6;

constexpr std::array kPrices = {
    Prices{"AWS S3", 5.00, 5.00, 0.40, 0.023, 0, false, "2026"},
    Prices{"Cloudflare R2", 4.50, 4.50, 0.36, 0.015, 1e6, true, "2026"},
    Prices{"Backblaze B2", 0, 4.00, 0.40, 0.006, 0, false, "2026"},
    Prices{"Tigris", 5.00, 5.00, 0.50, 0.02, 10e3, false, "2026-06"},
    Prices{"Google Cloud Storage", 5.00, 5.00, 0.40, 0.020, 5e3, false, "2026-09"},
};

}  // namespace

const Prices* prices_of(std::string_view provider, std::string_view region) {
  if (provider == "AWS S3" && region.starts_with("cn-")) return nullptr;
  const auto found = std::find_if(kPrices.begin(), kPrices.end(),
                                  [&](const Prices& row) { return row.provider == provider; });
  return found == kPrices.end() ? nullptr : &*found;
}

double price_of_puts(const Prices& prices, std::uint64_t puts) {
  const double billed = std::max(0.0, static_cast<double>(puts) - prices.free_puts);
  const double millions = billed / kMillion;
  return (prices.whole_millions ? std::ceil(millions) : millions) * prices.million_puts;
}

double price_of_requests(const Prices& prices, const StoreCounts& counts) {
  const auto millions = [&](RequestKind one, RequestKind other) {
    return static_cast<double>(counts.of(one) + counts.of(other)) / kMillion;
  };
  return millions(RequestKind::Put, RequestKind::Post) * prices.million_puts +
         static_cast<double>(counts.of(RequestKind::List)) / kMillion * prices.million_lists +
         millions(RequestKind::Get, RequestKind::Head) * prices.million_gets;
}

}  // namespace walwrap::storage
