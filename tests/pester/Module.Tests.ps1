BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $module = Import-Module $Manifest -PassThru -Force
    $Cases = @($module.ExportedCmdlets.Values | Sort-Object Name | ForEach-Object { @{ Name = $_.Name } })
    $Scripts = @('build.ps1', 'tools', 'tests' | ForEach-Object { Join-Path $Root $_ } | Where-Object { Test-Path $_ } |
            ForEach-Object { Get-ChildItem $_ -Recurse -Include '*.ps1', '*.psm1', '*.psd1' } |
            Where-Object FullName -NotMatch '[\\/](bin|obj)[\\/]' |
            ForEach-Object { @{ File = $_.FullName; Short = [IO.Path]::GetRelativePath($Root, $_.FullName) } })
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    $module = Import-Module $Manifest -PassThru -Force
}

Describe 'The manifest' {
    BeforeAll { $data = Import-PowerShellDataFile $Manifest }

    It 'is valid' { { Test-ModuleManifest $Manifest -WarningAction Stop } | Should -Not -Throw }

    It 'lists exactly the cmdlets that exist' {
        $assembly = @($module.ExportedCmdlets.Values)[0].ImplementingType.Assembly
        $existing = $assembly.GetExportedTypes() | ForEach-Object {
            $attribute = [Attribute]::GetCustomAttribute($_, [Management.Automation.CmdletAttribute])
            if ($attribute) { "$($attribute.VerbName)-$($attribute.NounName)" }
        } | Sort-Object
        $data.CmdletsToExport | Sort-Object | Should -Be $existing
        $module.ExportedCmdlets.Keys | Sort-Object | Should -Be $existing
    }

    It 'exports nothing by wildcard' {
        foreach ($key in 'CmdletsToExport', 'FunctionsToExport', 'VariablesToExport', 'AliasesToExport') { $data[$key] -join '' | Should -Not -Match '\*' }
        $module.ExportedFunctions.Count + $module.ExportedAliases.Count + $module.ExportedVariables.Count | Should -Be 0
    }

    It 'has what the gallery asks for' {
        $data.Description, $data.Author, $data.GUID, $data.ModuleVersion, $data.PowerShellVersion | Should -Not -BeNullOrEmpty
        $data.PrivateData.PSData.Tags | Should -Contain 'PSEdition_Core'
        $data.PrivateData.PSData.LicenseUri | Should -Match '^https://'
        $data.CompatiblePSEditions | Should -Be 'Core'
    }

    It 'carries no symbols, no System.Management.Automation and nothing beside the cmdlets'' own assembly' {
        Get-ChildItem $Stage -Recurse -Include '*.pdb', 'System.Management.Automation.dll', 'netstandard.dll' | Should -BeNullOrEmpty
        (Get-ChildItem (Join-Path $Stage 'bin') -File).Name | Should -Be 'CcExport.dll'
    }
}

Describe 'The cmdlets'' assembly' {
    It 'references PowerShell, the framework and the engine, and no package' {
        $assembly = @($module.ExportedCmdlets.Values)[0].ImplementingType.Assembly
        $allowed = [Collections.Generic.HashSet[string]] [string[]] @('CcExport.Engine', 'System.Management.Automation', 'netstandard')
        $framework = Split-Path ([object].Assembly.Location)
        foreach ($name in $assembly.GetReferencedAssemblies().Name) {
            $known = $allowed.Contains($name) -or (Test-Path (Join-Path $framework "$name.dll"))
            $known | Should -BeTrue -Because "$name must be part of .NET itself"
        }
    }

    It 'has no public type over one of the engine' {
        foreach ($type in @($module.ExportedCmdlets.Values)[0].ImplementingType.Assembly.GetExportedTypes()) {
            @($type.BaseType) + $type.GetInterfaces() | Where-Object { $_ -and "$_" -match 'CcExport\.Engine' } | Should -BeNullOrEmpty
            $fields = $type.GetFields('Instance, Static, Public, NonPublic, DeclaredOnly').FieldType | Where-Object { $_ -and $_.IsValueType -and "$_" -match 'CcExport\.Engine' }
            $fields | Should -BeNullOrEmpty -Because "$type is read before the engine can be found"
        }
    }
}

Describe '<Name>' -ForEach $Cases {
    BeforeAll {
        $command = Get-Command $Name -Module CcExport
        $common = [Management.Automation.PSCmdlet]::CommonParameters
        $Grave = 'Remove-CcContactData', 'Undo-CcRun'   # what cannot be taken back, or takes back
        $changes = $command.Verb -in 'New', 'Move', 'Set', 'Remove', 'Invoke', 'Start', 'Stop', 'Add', 'Enable', 'Disable', 'Copy', 'Resume', 'Undo', 'Protect', 'Register', 'Unregister', 'Export', 'Import'
        $parameters = $command.Parameters.Values | Where-Object Name -NotIn $common
        $help = Get-Help $Name -Full
    }

    It 'has an approved verb and the noun prefix' {
        (Get-Verb).Verb | Should -Contain $command.Verb
        $command.Noun | Should -MatchExactly '^Cc[A-Z]'
    }

    It 'says what it returns' { $command.OutputType | Should -Not -BeNullOrEmpty }

    It 'is a sealed class of its own name' {
        $command.ImplementingType.FullName | Should -BeExactly "CcExport.$($command.Verb)$($command.Noun)Command"
        $command.ImplementingType.IsSealed | Should -BeTrue
    }

    It 'asks before changes, with medium impact, and only then' {
        $command.Parameters.ContainsKey('WhatIf') | Should -Be $changes
        $attribute = [Attribute]::GetCustomAttribute($command.ImplementingType, [Management.Automation.CmdletAttribute])
        $attribute.ConfirmImpact | Should -Be ($Name -in $Grave ? 'High' : $changes ? 'Medium' : 'None')
    }

    It 'takes secrets as secure strings' {
        $parameters | Where-Object { $_.Name -match 'Secret|Token$|Password' -and $_.ParameterType -notin [securestring], [switch] } | Should -BeNullOrEmpty
    }

    It 'has a synopsis, a description and outputs' {
        $help.Synopsis | Should -Match '^[A-Z].*\.$'
        ($help.Description | Out-String).Trim().Length | Should -BeGreaterThan 40
        ($help.returnValues | Out-String).Trim() | Should -Not -BeNullOrEmpty
    }

    It 'has two examples or more, each with a remark, that parse and use what exists' {
        $examples = @($help.Examples.Example)
        $examples.Count | Should -BeGreaterOrEqual 2
        foreach ($example in $examples) {
            ($example.remarks | Out-String).Trim() | Should -Not -BeNullOrEmpty
            $errors = $null
            $ast = [Management.Automation.Language.Parser]::ParseInput($example.code, [ref] $null, [ref] $errors)
            $errors | Should -BeNullOrEmpty -Because $example.code
            foreach ($call in $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
                # Of a vault: a module of its own, which its user has.
                if ($call.GetCommandName() -eq 'Get-Secret') { continue }
                $called = Get-Command $call.GetCommandName() -ErrorAction Stop
                foreach ($used in $call.CommandElements | Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }) {
                    $called.Parameters.Keys | Should -Contain $used.ParameterName -Because $example.code
                }
            }
        }
        $examples.code -join ' ' | Should -Match $Name
    }

    It 'explains each parameter' {
        $explained = @{}
        foreach ($parameter in @($help.parameters.parameter | Where-Object { $_ })) { $explained[$parameter.name] = ($parameter.description | Out-String).Trim() }
        foreach ($parameter in $parameters) { $explained[$parameter.Name] | Should -Match '^\S.*\.$' -Because "-$($parameter.Name) needs a sentence" }
    }

    It 'has a view for what it returns' {
        # The columns of a profile are its source's: it is shown as any object is.
        foreach ($type in $command.OutputType | Where-Object Name -Match '^CcExport\.(?!Profile$)') { Get-FormatData -TypeName $type.Name | Should -Not -BeNullOrEmpty -Because $type.Name }
    }
}

Describe 'The topic about_CcExport' {
    It 'is found' { Get-Help about_CcExport | Out-String | Should -Match 'THREE COMMANDS' }
    It 'fits a console' { Get-Content (Join-Path $Stage 'en-US/about_CcExport.help.txt') | Where-Object Length -GT 80 | Should -BeNullOrEmpty }
}

Describe 'The views' {
    BeforeDiscovery {
        $format = [xml](Get-Content (Join-Path $Stage 'CcExport.Format.ps1xml') -Raw)
        $Tables = @($format.Configuration.ViewDefinitions.View | Where-Object { $_['TableControl'] } | ForEach-Object { @{ View = $_.Name; Node = $_ } })
        $Views = @($format.Configuration.ViewDefinitions.View | ForEach-Object { @{ View = $_.Name; Node = $_ } })
    }

    It 'table <View> fits 120 columns' -ForEach $Tables {
        $widths = @($Node.TableControl.TableHeaders.TableColumnHeader | ForEach-Object { if ($_['Width']) { [int] $_.Width } else { 12 } })
        ($widths | Measure-Object -Sum).Sum + $widths.Count - 1 | Should -BeLessOrEqual 120
    }

    It 'show a large run whole in 120 columns' {
        $runType = (Get-Command Get-CcRun).OutputType.Type
        $run = [Activator]::CreateInstance($runType)
        foreach ($name in 'Id', 'Read', 'Suppressed', 'Unchanged', 'Accepted', 'Refused', 'Unaccounted') {
            $property = $runType.GetProperty($name)
            $property.SetValue($run, [Convert]::ChangeType(1234567, $property.PropertyType))
        }
        $runType.GetProperty('Export').SetValue($run, 'Active customers')
        $runType.GetProperty('Status').SetValue($run, [enum]::Parse($runType.GetProperty('Status').PropertyType, 'CompletedWithErrors'))
        $text = $run | Format-Table | Out-String -Width 120
        $text | Should -Match 'Unaccounted\s+Next'
        $text | Should -Match 'Active customers\s+CompletedWithErrors'
        $text | Should -Match ('(1,234,567\s+){6}' -replace ',', [regex]::Escape((Get-Culture).NumberFormat.NumberGroupSeparator))
        $text | Should -Not -Match '…'
    }

    It 'view <View> shows properties that exist' -ForEach $Views {
        $typeName = $Node.ViewSelectedBy.TypeName
        $type = [AppDomain]::CurrentDomain.GetAssemblies() | ForEach-Object { $_.GetType($typeName) } | Where-Object { $_ } | Select-Object -First 1
        if (-not $type) {
            $null = Get-Command Get-CcRun | ForEach-Object OutputType   # brings the engine in
            $type = [Runtime.Loader.AssemblyLoadContext]::All | Where-Object Name -EQ CcExport | ForEach-Object Assemblies |
                ForEach-Object { $_.GetType($typeName) } | Where-Object { $_ } | Select-Object -First 1
        }
        $type | Should -Not -BeNullOrEmpty -Because $typeName
        foreach ($property in $Node.SelectNodes('.//PropertyName').InnerText) { $type.GetProperty($property) | Should -Not -BeNullOrEmpty -Because "$typeName.$property" }
        $Node.OuterXml | Should -Not -Match 'RefreshToken|ClientSecret|AccessToken'
    }
}

Describe 'The script <Short>' -ForEach $Scripts {
    It 'parses and uses no alias' {
        $errors = $null
        $ast = [Management.Automation.Language.Parser]::ParseFile($File, [ref] $null, [ref] $errors)
        $errors | Should -BeNullOrEmpty
        $aliases = $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true) |
            ForEach-Object { $_.GetCommandName() } | Where-Object { $_ -and (Test-Path "alias:$([WildcardPattern]::Escape($_))") }
        $aliases | Should -BeNullOrEmpty
    }
}
