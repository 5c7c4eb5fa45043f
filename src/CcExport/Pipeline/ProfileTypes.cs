using System.Collections.Concurrent;
using System.Reflection;
using System.Reflection.Emit;

namespace CcExport.Pipeline;

/// <summary>
/// Types whose properties are the columns of a source, made when a set of columns is first read and kept. To PowerShell they are what any .NET type is, and a
/// profile costs two small allocations; as properties kept by PowerShell it would cost three for each value.
/// </summary>
internal sealed class ProfileTypes
{
    private static readonly ConcurrentDictionary<string, ProfileTypes?> All = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<Type, ProfileTypes> ByType = new();
    private static readonly string[] Taken = ["Equals", "GetHashCode", "GetType", "ToString", "PSObject", "PSBase", "PSAdapted", "PSExtended", "PSTypeNames"];

    private ProfileTypes(IReadOnlyList<string> columns, Func<byte[], Profile> create) => (Columns, Create) = (columns, create);

    /// <summary>The columns, in the order of the packed values.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Makes a profile.</summary>
    public Func<byte[], Profile> Create { get; }

    /// <summary>The type for these columns; null where their names cannot be properties of one type: two that differ by case alone, one that every object has, an empty one.</summary>
    public static ProfileTypes? For(IReadOnlyList<string> columns) => All.GetOrAdd(string.Join('\0', columns), static (_, names) => Make(names), columns);

    /// <summary>What a profile's type was made of; null for an object of another kind.</summary>
    public static ProfileTypes? Of(Type type) => ByType.GetValueOrDefault(type);

    private static ProfileTypes? Make(IReadOnlyList<string> columns)
    {
        if (columns.Any(string.IsNullOrEmpty) || columns.Concat(Taken).Distinct(StringComparer.OrdinalIgnoreCase).Count() < columns.Count + Taken.Length) return null;
        const BindingFlags Inner = BindingFlags.Instance | BindingFlags.NonPublic;
        ConstructorInfo ofBase = typeof(Profile).GetConstructor(Inner, [typeof(byte[])])!;
        MethodInfo value = typeof(Profile).GetMethod("Value", Inner)!, set = typeof(Profile).GetMethod("Set", Inner)!;
        string name = $"CcExport.Profiles.{Guid.NewGuid():N}";
        ModuleBuilder module = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName(name), AssemblyBuilderAccess.Run).DefineDynamicModule(name);
        TypeBuilder type = module.DefineType(typeof(Profile).FullName!, TypeAttributes.Public | TypeAttributes.Sealed | TypeAttributes.Class, typeof(Profile));

        ConstructorBuilder constructor = type.DefineConstructor(MethodAttributes.Public, CallingConventions.Standard, [typeof(byte[])]);
        ILGenerator il = constructor.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Call, ofBase);
        il.Emit(OpCodes.Ret);

        const MethodAttributes Accessor = MethodAttributes.Public | MethodAttributes.SpecialName | MethodAttributes.HideBySig;
        for (int i = 0; i < columns.Count; i++)
        {
            PropertyBuilder property = type.DefineProperty(columns[i], PropertyAttributes.None, typeof(string), null);
            MethodBuilder getter = type.DefineMethod($"get_{columns[i]}", Accessor, typeof(string), Type.EmptyTypes);
            Body(getter.GetILGenerator(), i, value, given: false);
            property.SetGetMethod(getter);
            MethodBuilder setter = type.DefineMethod($"set_{columns[i]}", Accessor, null, [typeof(string)]);
            Body(setter.GetILGenerator(), i, set, given: true);
            property.SetSetMethod(setter);
        }

        MethodBuilder create = type.DefineMethod("Create", MethodAttributes.Assembly | MethodAttributes.Static, typeof(Profile), [typeof(byte[])]);
        il = create.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Newobj, constructor);
        il.Emit(OpCodes.Ret);

        Type made = type.CreateType();
        var types = new ProfileTypes(columns, made.GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!.CreateDelegate<Func<byte[], Profile>>());
        ByType[made] = types;
        return types;
    }

    private static void Body(ILGenerator il, int column, MethodInfo call, bool given)
    {
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldc_I4, column);
        if (given) il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Call, call);
        il.Emit(OpCodes.Ret);
    }
}
