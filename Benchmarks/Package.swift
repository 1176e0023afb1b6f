// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "graft-benchmarks",
    dependencies: [
        .package(name: "graft", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: [
        .executableTarget(
            name: "TokenizeBenchmark",
            dependencies: [
                .product(name: "Tokenizers", package: "graft"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: settings)
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
