BeforeAll {
    . $PSScriptRoot/common.ps1
    $tools = Join-Path $Root '.tools'

    # Loads an older version as another module would have done, opens the store, and says which versions are where.
    function Invoke-Beside([string[]] $Files, [string] $Before = '', [string] $After = '') {
        $load = ($Files | ForEach-Object { "Add-Type -Path '$_'" }) -join "`n"
        Invoke-Child @"
$load
$Before
Import-Module '$Manifest'
`$null = Get-CcConnection
$After
foreach (`$context in [Runtime.Loader.AssemblyLoadContext]::All) {
    foreach (`$assembly in `$context.Assemblies) {
        `$name = `$assembly.GetName()
        if (`$name.Name -match '^(Microsoft\.(Identity|Data|Extensions)|SQLitePCL|Polly|Duende|Dapper|System\.Text\.Json|CcExport)') { "`$(`$context.Name)|`$(`$name.Name)|`$(`$name.Version)|`$(`$assembly.Location)" }
    }
}
"@ -CcHome (New-TempFolder) | Where-Object { $_ -match '\|' } | ForEach-Object {
            $part = "$_" -split '\|'
            [pscustomobject]@{ Context = $part[0]; Name = $part[1]; Version = [version] $part[2]; Location = $part[3] }
        }
    }

    function Get-Package([string] $Name, [string] $Version, [string] $Framework, [string] $File = $Name) {
        $path = Join-Path $tools "$($Name.ToLowerInvariant())/$Version/lib/$Framework/$File.dll"
        $path | Should -Exist
        $path
    }
}

Describe 'Beside older versions of what it ships' {
    It 'uses its own, and leaves the session''s alone: <Name> <Version>' -ForEach @(
        @{ Name = 'Microsoft.Identity.Client'; Version = '4.65.0'; Framework = 'net6.0'; With = @(@{ Name = 'Microsoft.IdentityModel.Abstractions'; Version = '6.35.0'; Framework = 'net6.0' }) }
        @{ Name = 'Polly.Core'; Version = '8.1.0'; Framework = 'net6.0'; With = @() }
        @{ Name = 'Microsoft.Extensions.Logging.Abstractions'; Version = '5.0.0'; Framework = 'netstandard2.0'; With = @() }
        @{ Name = 'Microsoft.Extensions.DependencyInjection.Abstractions'; Version = '5.0.0'; Framework = 'netstandard2.0'; With = @() }
        @{ Name = 'Dapper'; Version = '2.0.123'; Framework = 'net5.0'; With = @() }
    ) {
        $files = @($With | ForEach-Object { Get-Package @_ }) + @(Get-Package $Name $Version $Framework)
        $loaded = Invoke-Beside $files
        $old = [version] ([Reflection.AssemblyName]::GetAssemblyName($files[-1]).Version)
        ($loaded | Where-Object { $_.Name -eq $Name -and $_.Context -eq 'Default' }).Version | Should -Be $old
        ($loaded | Where-Object { $_.Name -eq $Name -and $_.Context -eq 'Default' }).Location | Should -Be $files[-1]
        foreach ($own in $loaded | Where-Object Context -EQ 'CcExport') { $own.Location | Should -BeLike "$Stage*" }
        ($loaded | Where-Object Name -EQ 'CcExport.Engine').Context | Should -Be 'CcExport'
    }

    It 'opens its store beside another SQLite' {
        $folder = Join-Path $tools 'microsoft.data.sqlite.core/8.0.30/lib/net8.0/Microsoft.Data.Sqlite.dll'
        $core = Join-Path $tools 'sqlitepclraw.core/2.1.11/lib/netstandard2.0/SQLitePCLRaw.core.dll'
        $loaded = Invoke-Beside @($core, $folder)
        ($loaded | Where-Object { $_.Name -eq 'Microsoft.Data.Sqlite' }).Context | Sort-Object | Should -Be 'CcExport', 'Default'
    }

    It 'keeps System.Text.Json to itself' {
        $json = Get-Package 'System.Text.Json' '6.0.0' 'net6.0'
        $loaded = Invoke-Beside @() -Before "try { Add-Type -Path '$json' } catch { }"
        ($loaded | Where-Object { $_.Context -eq 'Default' -and $_.Name -eq 'CcExport.Engine' }) | Should -BeNullOrEmpty
    }
}

Describe 'The session''s own load context' {
    It 'gets nothing of the engine' {
        $loaded = Invoke-Beside @()
        ($loaded | Where-Object { $_.Context -eq 'Default' -and $_.Name -like 'CcExport*' }).Name | Should -Be 'CcExport'
        ($loaded | Where-Object { $_.Context -eq 'CcExport' }).Name | Should -Contain 'CcExport.Engine'
    }
}

Describe 'Imported more than once' {
    It 'works after -Force, and after removal' {
        $lines = Invoke-Child @"
Import-Module '$Manifest'; `$null = Get-CcConnection
Import-Module '$Manifest' -Force; `$null = Get-CcConnection
Remove-Module CcExport
if (Get-Command Get-CcConnection -ErrorAction Ignore) { 'still there' }
Import-Module '$Manifest'; `$null = Get-CcConnection
'done'
"@ -CcHome (New-TempFolder)
        $lines | Should -Be 'done'
    }

    It 'works in four runspaces at once' {
        $lines = Invoke-Child @"
1..4 | ForEach-Object -Parallel {
    Import-Module '$Manifest'
    foreach (`$turn in 1..5) { `$null = Get-CcConnection; `$null = Get-CcExport; `$null = Get-CcRun }
    'done'
} -ThrottleLimit 4
"@ -CcHome (New-TempFolder)
        $lines | Should -Be 'done', 'done', 'done', 'done'
    }
}

Describe 'Start of the module' {
    It 'loads no package' {
        # Completion and Get-Command import modules that are never used.
        $lines = Invoke-Child "Import-Module '$Manifest'; [Runtime.Loader.AssemblyLoadContext]::All | Where-Object Name -EQ CcExport | ForEach-Object Assemblies | ForEach-Object { `$_.GetName().Name }; 'done'"
        $lines | Where-Object { $_ -notin 'CcExport.Engine', 'done' } | Should -BeNullOrEmpty
        $lines | Should -Contain 'done'
    }
}
