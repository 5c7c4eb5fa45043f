using System.Collections;
using System.Management.Automation;
using CcExport.Engine.Exports;

namespace CcExport.Pipeline;

/// <summary>Lets a plan stand for its number.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PlanIdAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Base(inputData) switch
    {
        Plan plan => plan.Id,
        IList several => several.Cast<object?>().Select(one => Base(one) is Plan plan ? plan.Id : one).ToArray(),
        _ => inputData,
    };

    private static object? Base(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;
}
