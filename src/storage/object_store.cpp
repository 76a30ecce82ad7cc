#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

Result<FirstObjects> ObjectStore::list_first() {
  auto objects = TRY(list("", ""));
  return FirstObjects{.objects = std::move(objects), .are_all = true};
}

Result<void> ObjectStore::remove_many(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) TRY(remove(key));
  return {};
}

Body body_of(ByteSpan bytes) {
  return [bytes](const WriteFn& sink) { return sink(bytes); };
}

Result<ByteVector> get_all(ObjectStore& store, const std::string& key, Bytes limit) {
  ByteVector content;
  const WriteFn append = [&](ByteSpan bytes) -> Result<void> {
    if (bytes.size() > limit - content.size()) {
      return fail(Code::Invalid, "{} is larger than {} bytes", key, limit);
    }
    content.insert(content.end(), bytes.begin(), bytes.end());
    return {};
  };
  TRY(store.get(key, ByteRange{}, append));
  return content;
}

}  // namespace walwrap::storage
