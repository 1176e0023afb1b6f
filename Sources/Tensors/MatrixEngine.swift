/// The library that computes matrix products. Every call runs on the calling thread.
///
/// `GRAFT_ENGINE` chooses; without it oneDNN runs where it can be loaded, else OpenBLAS.
public enum MatrixEngine: String, Sendable, CaseIterable {
    case oneDNN = "onednn"
    case openBLAS = "openblas"

    public enum LoadingError: Error, Equatable, Sendable {
        case unknownName(String)
        case unavailable(MatrixEngine, reason: String)
        case noEngine(reasons: [String])
    }

    /// The engine in use.
    ///
    /// - Precondition: one can be loaded; `load()` says beforehand whether that is so.
    public static var current: MatrixEngine {
        switch selection {
        case .success(let engine): engine
        case .failure(let error): preconditionFailure("no matrix engine: \(error)")
        }
    }

    /// Loads the engine in use, once.
    @discardableResult
    public static func load() throws(LoadingError) -> MatrixEngine { try selection.get() }

    /// Why OpenBLAS runs though nobody asked for it; `nil` where oneDNN runs or the environment chose.
    public static var reasonForFallback: String? {
        if let name = environment("GRAFT_ENGINE"), !name.isEmpty { return nil }
        return oneDNN.reasonUnavailable
    }

    private static let selection: Result<MatrixEngine, LoadingError> = {
        if let name = environment("GRAFT_ENGINE"), !name.isEmpty {
            guard let engine = MatrixEngine(rawValue: name) else { return .failure(.unknownName(name)) }
            if let reason = engine.reasonUnavailable { return .failure(.unavailable(engine, reason: reason)) }
            return .success(engine)
        }
        var reasons: [String] = []
        for engine in allCases {
            guard let reason = engine.reasonUnavailable else { return .success(engine) }
            reasons.append(reason)
        }
        return .failure(.noEngine(reasons: reasons))
    }()

    /// Why the engine cannot be used here; `nil` where it can.
    public var reasonUnavailable: String? {
        switch self {
        case .oneDNN: OneDNN.reasonUnavailable
        case .openBLAS: OpenBLAS.reasonUnavailable
        }
    }

    /// Version and kernels of the loaded library, such as "2.6.3, avx512_core_bf16".
    public var details: String {
        switch self {
        case .oneDNN: OneDNN.details
        case .openBLAS: OpenBLAS.details
        }
    }
}
