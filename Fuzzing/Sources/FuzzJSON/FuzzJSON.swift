import JSON

/// What is read must be written and read again the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    guard let value = try? JSON(parsing: bytes) else { return 0 }
    for pretty in [false, true] {
        guard let again = try? JSON(parsing: value.serialized(pretty: pretty)), again == value else {
            fatalError("written JSON reads back differently")
        }
    }
    return 0
}
