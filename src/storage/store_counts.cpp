#include "walwrap/storage/store_counts.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace walwrap::storage {
namespace {

std::optional<StoreError> error_kind_of(Code code) {
  switch (code) {
    case Code::NotFound:
    case Code::Exists:
    case Code::Cancelled:
      return std::nullopt;
    case Code::Unavailable:
      return StoreError::Unavailable;
    case Code::Denied:
      return StoreError::Denied;
    case Code::Unknown:
      return StoreError::Unknown;
    case Code::Corrupt:
      return StoreError::Corrupt;
    default:
      return StoreError::Other;
  }
}

class CountedStore : public ObjectStore {
 public:
  CountedStore(std::unique_ptr<ObjectStore> store, SharedCounts& counts)
      : store_(std::move(store)), counts_(counts) {}

  Result<void> put(const std::string& key, const Body& body, const PutOptions& options) override {
    return counted(store_->put(key, body, options));
  }
  Result<void> get(const std::string& key, ByteRange range, const WriteFn& sink) override {
    return counted(store_->get(key, range, sink));
  }
  Result<ObjectInfo> head(const std::string& key) override { return counted(store_->head(key)); }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix,
                                       const std::string& start_after) override {
    return counted(store_->list(prefix, start_after));
  }
  Result<FirstObjects> list_first() override { return counted(store_->list_first()); }
  Result<void> remove(const std::string& key) override { return counted(store_->remove(key)); }
  Result<void> remove_many(const std::vector<std::string>& keys) override {
    return counted(store_->remove_many(keys));
  }
  Result<Place> rebind() override { return counted(store_->rebind()); }
  CreateOnly create_only() const override { return store_->create_only(); }
  std::string describe() const override { return store_->describe(); }

 private:
  template <typename R>
  R counted(R result) {
    const auto kind = result ? std::nullopt : error_kind_of(result.error().code);
    if (kind) {
      counts_.update(
          [&](StoreCounts& counts) { ++counts.errors[static_cast<std::size_t>(*kind)]; });
    }
    return result;
  }

  std::unique_ptr<ObjectStore> store_;
  SharedCounts& counts_;
};

class CountedTransport : public http::Transport {
 public:
  CountedTransport(std::unique_ptr<http::Transport> transport, SharedCounts& counts)
      : transport_(std::move(transport)), counts_(counts) {}

  Result<http::Response> perform(const http::Request& request) override {
    const auto kind = static_cast<std::size_t>(kind_of(request));
    counts_.update([&](StoreCounts& counts) { ++counts.requests[kind]; });
    return transport_->perform(request);
  }

 private:
  std::unique_ptr<http::Transport> transport_;
  SharedCounts& counts_;
};

}  // namespace

RequestKind kind_of(const http::Request& request) {
  switch (request.method) {
    case http::Method::Get:
      return request.url.find("list-type=2") == std::string::npos ? RequestKind::Get
                                                                  : RequestKind::List;
    case http::Method::Head:
      return RequestKind::Head;
    case http::Method::Put:
      return RequestKind::Put;
    case http::Method::Post:
      return RequestKind::Post;
    case http::Method::Delete:
      return RequestKind::Delete;
  }
  return RequestKind::Get;
}

std::unique_ptr<ObjectStore> with_counts(std::unique_ptr<ObjectStore> store, SharedCounts& counts) {
  return std::make_unique<CountedStore>(std::move(store), counts);
}

std::unique_ptr<http::Transport> with_counts(std::unique_ptr<http::Transport> transport,
                                             SharedCounts& counts) {
  return std::make_unique<CountedTransport>(std::move(transport), counts);
}

}  // namespace walwrap::storage
