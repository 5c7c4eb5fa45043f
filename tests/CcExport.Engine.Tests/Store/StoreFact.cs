using Xunit.Abstractions;
using Xunit.Sdk;

namespace CcExport.Engine.Tests.Store;

/// <summary>A fact of every store; of PostgreSQL only where there is a server.</summary>
[XunitTestCaseDiscoverer("CcExport.Engine.Tests.Store.StoreFactDiscoverer", "CcExport.Engine.Tests")]
public sealed class StoreFactAttribute : FactAttribute;

/// <summary>The same with data.</summary>
[XunitTestCaseDiscoverer("CcExport.Engine.Tests.Store.StoreTheoryDiscoverer", "CcExport.Engine.Tests")]
public sealed class StoreTheoryAttribute : TheoryAttribute;

/// <summary>Which engine a suite is of is known from the class that inherits it.</summary>
public sealed class StoreFactDiscoverer(IMessageSink sink) : FactDiscoverer(sink)
{
    public override IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact)
        => WithoutServer(method) ? [new SkippedStoreCase(DiagnosticMessageSink, method)] : base.Discover(options, method, fact);

    internal static bool WithoutServer(ITestMethod method) => PostgresDatabases.Server is null && method.TestClass.Class.Name.Contains(".Postgres", StringComparison.Ordinal);
}

public sealed class StoreTheoryDiscoverer(IMessageSink sink) : TheoryDiscoverer(sink)
{
    public override IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo theory)
        => StoreFactDiscoverer.WithoutServer(method) ? [new SkippedStoreCase(DiagnosticMessageSink, method)] : base.Discover(options, method, theory);
}

public sealed class SkippedStoreCase : XunitTestCase
{
    // For the runner, which writes test cases down and reads them again.
    [Obsolete("For the runner.")]
    public SkippedStoreCase()
    {
    }

    public SkippedStoreCase(IMessageSink sink, ITestMethod method) : base(sink, TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) => PostgresFactAttribute.Reason;
}
