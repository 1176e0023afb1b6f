// swift-tools-version: 6.2
import PackageDescription

/// Coverage-guided fuzzing of every parser of outside files: `make fuzz`.
let parsers = ["JSON": "JSON", "SafeTensors": "Checkpoints", "LabelledExamples": "Tasks", "Tokenizer": "Tokenizers"]

let package = Package(
    name: "graft-fuzzing",
    dependencies: [
        .package(name: "graft", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: parsers.sorted { $0.key < $1.key }.map { name, library in
        .executableTarget(
            name: "Fuzz\(name)",
            dependencies: [
                .product(name: library, package: "graft"), .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: [.strictMemorySafety(), .unsafeFlags(["-parse-as-library"])])
    },
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
