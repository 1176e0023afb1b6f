import FuzzSupport
import Tasks

/// The first byte chooses the options. Data that is taken is divided without a loss, and its counts agree.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let choice = unsafe Int(data[0])
    let bytes = unsafe UnsafeBufferPointer(start: data + 1, count: count - 1)
    var options = FineTuningData.Options()
    options.devShare = choice & 1 == 0 ? nil : 0.3
    options.dropsDuplicates = choice & 2 != 0
    options.problem = choice & 4 == 0 ? nil : ProblemType.allCases[choice / 8 % ProblemType.allCases.count]
    let file = unsafe scratchFile("data", bytes)
    let dev = choice & 64 == 0 ? nil : file
    guard let data = try? FineTuningData(train: file, dev: dev, options) else { return 0 }
    let others = data.isSplit ? data.devCount ?? 0 : 0
    precondition(data.trainCount + others + data.dropped == data.train.count, "examples are lost or doubled")
    precondition(!data.isSplit || others > 0, "nothing is set aside")
    _ = (data.checks.warnings, data.report)
    return 0
}
