// The library is a CPython 2.7 extension module. Its Python half is never entered, but its symbols
// must resolve: this program is linked with -rdynamic and offers them.

#include <stdlib.h>

#define UNUSED_DATA(name) extern "C" { void* name[64]; }
#define UNUSED_FUNCTION(name) extern "C" void* name() { abort(); }

UNUSED_DATA(_Py_NoneStruct)
UNUSED_DATA(PyExc_Exception)
UNUSED_DATA(PyExc_TypeError)
UNUSED_FUNCTION(PyArg_ParseTuple)
UNUSED_FUNCTION(PyDict_GetItemString)
UNUSED_FUNCTION(PyErr_Format)
UNUSED_FUNCTION(PyErr_Occurred)
UNUSED_FUNCTION(PyErr_Print)
UNUSED_FUNCTION(PyEval_InitThreads)
UNUSED_FUNCTION(PyEval_RestoreThread)
UNUSED_FUNCTION(PyEval_SaveThread)
UNUSED_FUNCTION(PyGILState_Ensure)
UNUSED_FUNCTION(PyGILState_Release)
UNUSED_FUNCTION(PyImport_ImportModule)
UNUSED_FUNCTION(PyInt_FromLong)
UNUSED_FUNCTION(PyIter_Next)
UNUSED_FUNCTION(PyList_GetItem)
UNUSED_FUNCTION(PyList_New)
UNUSED_FUNCTION(PyList_SetItem)
UNUSED_FUNCTION(PyList_Size)
UNUSED_FUNCTION(PyModule_AddObject)
UNUSED_FUNCTION(PyModule_GetDict)
UNUSED_FUNCTION(PyObject_CallMethod)
UNUSED_FUNCTION(PyObject_GetIter)
UNUSED_FUNCTION(PyString_AsStringAndSize)
UNUSED_FUNCTION(PyType_Ready)
UNUSED_FUNCTION(Py_InitModule4_64)
