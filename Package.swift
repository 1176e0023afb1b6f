// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "graft",
    products: [
        .executable(name: "graft", targets: ["CLI"]),
        .library(name: "JSON", targets: ["JSON"]),
        .library(name: "Checkpoints", targets: ["Checkpoints"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .library(name: "Transformer", targets: ["Transformer"]),
        .library(name: "Embeddings", targets: ["Embeddings"]),
        .library(name: "Tasks", targets: ["Tasks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        // C shims: plain C types in their headers, the library's own headers stay inside. The matrix libraries are
        // loaded at run time.
        .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dl")]),
        .systemLibrary(name: "CPlatform"),
        .systemLibrary(name: "ICU", pkgConfig: "icu-i18n", providers: [.apt(["libicu-dev"])]),
        .target(name: "CICU", dependencies: ["ICU"]),
        .target(
            name: "CSentencePiece",
            linkerSettings: [.linkedLibrary("sentencepiece"), .linkedLibrary("sentencepiece_train")]),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

        .target(name: "JSON", swiftSettings: settings),
        .target(
            name: "Tensors", dependencies: ["COpenBLAS", "COneDNN", "CPlatform", systemPackage], swiftSettings: settings
        ),
        .target(
            name: "Checkpoints",
            dependencies: [
                "Tensors", "JSON", systemPackage, subprocess, crypto, asyncHTTPClient, nioCore, nioHTTP1, nioSSL,
            ],
            swiftSettings: settings),
        .target(
            name: "Tokenizers", dependencies: ["JSON", "CICU", "CSentencePiece", systemPackage],
            swiftSettings: settings),
        .target(
            name: "Transformer", dependencies: ["Tensors", "Checkpoints", "JSON", systemPackage],
            swiftSettings: settings),
        .target(
            name: "Embeddings",
            dependencies: ["Transformer", "Tokenizers", "Checkpoints", "Tensors", "JSON", systemPackage],
            swiftSettings: settings),
        .target(
            name: "Tasks",
            dependencies: [
                "Embeddings", "Transformer", "Tokenizers", "Checkpoints", "Tensors", "JSON", "CZlib", systemPackage,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "CLI",
            dependencies: [
                "Tasks", "Embeddings", "Transformer", "Tokenizers", "Checkpoints", "Tensors", "JSON",
                systemPackage, argumentParser,
            ],
            swiftSettings: settings,
            // The program runs where no Swift is installed. Only it: the libraries stay free to be used by others.
            linkerSettings: [.unsafeFlags(["-static-stdlib", "-l_FoundationCShims", "-l_FoundationCollections"])]),

        .target(
            name: "TestSupport",
            dependencies: [
                "Tensors", "Checkpoints", "JSON", systemPackage, crypto, nioCore, nioHTTP1, nioPosix,
            ],
            path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "JSON", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "JSON", "Tensors", "TestSupport", systemPackage],
            swiftSettings: settings),
        .testTarget(
            name: "TokenizersTests", dependencies: ["Tokenizers", "JSON", systemPackage], exclude: ["Golden"],
            swiftSettings: settings),
        .testTarget(
            name: "TransformerTests",
            dependencies: ["Transformer", "Checkpoints", "JSON", "Tensors", "TestSupport", systemPackage],
            swiftSettings: settings),
        .testTarget(
            name: "EmbeddingsTests",
            dependencies: [
                "Embeddings", "Transformer", "Tokenizers", "Checkpoints", "JSON", "Tensors", "TestSupport",
                systemPackage,
            ], swiftSettings: settings),
        .testTarget(
            name: "TasksTests",
            dependencies: [
                "Tasks", "Embeddings", "Transformer", "Tokenizers", "Checkpoints", "JSON", "Tensors", "TestSupport",
                systemPackage,
            ], swiftSettings: settings),
        .testTarget(
            name: "CLITests",
            dependencies: ["Checkpoints", "JSON", "Tensors", "TestSupport", systemPackage, subprocess],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
