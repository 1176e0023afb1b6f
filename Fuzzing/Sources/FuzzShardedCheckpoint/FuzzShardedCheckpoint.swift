import Checkpoints
import FuzzSupport
import SystemPackage

/// A file with one tensor, "a".
private let shard: [UInt8] = {
    let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    return [UInt8(header.utf8.count)] + [UInt8](repeating: 0, count: 7) + Array(header.utf8) + [0, 0, 0, 0]
}()

/// An index is refused with a typed error; no file outside its directory is opened.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let directory = scratchDirectory(
        "shards", ["model.safetensors.index.json": bytes, "a.safetensors": shard, "b.safetensors": shard])
    guard let file = try? ModelDirectory(directory).openWeights() else { return 0 }
    for entry in file.entries { _ = try? file.tensor(entry) }
    return 0
}
